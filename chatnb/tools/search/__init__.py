"""Search: what answers a search of the web, behind one protocol (base.py)."""
