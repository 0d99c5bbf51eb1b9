"""The console in a terminal, and what it is made of."""
