"""Stores: where sessions are kept, behind one protocol (base.py)."""
