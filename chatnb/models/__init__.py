"""Models: everything that can answer, behind one protocol (base.py)."""
