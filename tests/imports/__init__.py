"""Tests of what is read from others."""
