"""A real Jupyter Server, and real clients of its WebSocket."""
