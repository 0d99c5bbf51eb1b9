"""Servers that the tests start as programs."""
