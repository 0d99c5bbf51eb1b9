"""Sessions as files that others read: one protocol (base.py), an exporter for each format."""
