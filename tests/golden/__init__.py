"""Turns as they are told and what becomes of them: one truth for all that reads the wire, in whatever language."""
