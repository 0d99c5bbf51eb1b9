"""One question, many rows: what is asked, kept, asked again after a kill, and added as columns."""
