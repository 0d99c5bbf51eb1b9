"""Stores: one contract suite for all, and what is special to each."""
