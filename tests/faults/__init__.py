"""A real HTTP server that fails on demand, and what chatnb makes of it."""
