"""Views: whatever shows an answer while it comes, behind one protocol (base.py)."""
