"""Sessions out of files, of ours and of other programs: one protocol (base.py), a reader for each form."""
