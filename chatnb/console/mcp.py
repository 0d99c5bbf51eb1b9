"""`chatnb mcp`: a running kernel, offered to MCP clients."""

from __future__ import annotations

import argparse

from ..mcp_server import serve


def run(parsed: argparse.Namespace) -> int:
    """Serve until the client leaves."""
    serve(parsed.kernel, allow_run=parsed.allow_run)
    return 0
