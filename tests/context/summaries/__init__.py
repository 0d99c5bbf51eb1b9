"""Summaries of all kinds of objects."""
