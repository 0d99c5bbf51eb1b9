"""MCP: the tools of other people's servers, which speak the Model Context Protocol (tools.py is the way in)."""
