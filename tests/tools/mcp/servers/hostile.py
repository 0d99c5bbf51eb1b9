"""A server that does what it should not: hostile.py BEHAVIOUR [FILE]; FILE, if it is there, is the JSON of its tools."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

BEHAVIOUR = "".join(sys.argv[1:2])
FILE = Path(sys.argv[2]) if len(sys.argv) > 2 else None
TOOL = {"name": "act", "description": "Act.", "inputSchema": {"type": "object", "properties": {}}}


def send(message: dict[str, Any]) -> None:
    """Print a message."""
    say(json.dumps({"jsonrpc": "2.0", **message}) + "\n")


def say(text: str) -> None:
    """Write to where messages belong."""
    sys.stdout.write(text)
    sys.stdout.flush()


def complain(text: str) -> None:
    """Write to where complaints belong."""
    sys.stderr.write(text)
    sys.stderr.flush()


def answer(request: dict[str, Any]) -> None:
    """Answer as a server does."""
    match request.get("method"):
        case "initialize":
            send(
                {
                    "id": request["id"],
                    "result": {
                        "protocolVersion": request["params"]["protocolVersion"],
                        "capabilities": {"tools": {"listChanged": True}},
                        "serverInfo": {"name": "hostile", "version": "1"},
                    },
                }
            )
        case "tools/list":
            tools = json.loads(FILE.read_text("utf-8")) if FILE and FILE.exists() else [TOOL]
            send({"id": request["id"], "result": {"tools": tools}})
        case "tools/call":
            act(request)
        case "notifications/initialized" | "notifications/cancelled":
            pass
        case _:
            send({"id": request["id"], "error": {"code": -32601, "message": "Method not found"}})


def act(request: dict[str, Any]) -> None:
    """Answer a call, or do not."""
    match BEHAVIOUR:
        case "dies":
            complain("Traceback: \x1b[31mout of cheese, key sesame-street\x1b[0m")
            os._exit(3)
        case "huge":
            for _ in range(100):
                say("x" * 1_000_000)
        case "breaks":
            say('{"jsonrpc": "2.0", "id": 1, "result": \n')
        case "hangs":
            time.sleep(1_000)
        case _:
            said = {"type": "text", "text": f"pid {os.getpid()}"}
            send({"id": request["id"], "result": {"content": [said]}})


if __name__ == "__main__":
    match BEHAVIOUR:
        case "never starts":
            complain("no licence \x1b]0;title\x07found")
            sys.exit(7)
        case "hangs at once":
            time.sleep(1_000)
        case "greets":
            say("Welcome to the server!\n{'a': 1}\n")
        case "talks":
            while True:
                say("Welcome " * 10 + "\n")
        case "floods":
            for _ in range(100):
                complain("y" * 1_000_000)
        case "leaves a child":
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
            assert FILE
            FILE.with_suffix(".pid").write_text(str(child.pid), "utf-8")
    for line in sys.stdin:
        answer(json.loads(line))
    if BEHAVIOUR == "stays":
        time.sleep(1_000)
