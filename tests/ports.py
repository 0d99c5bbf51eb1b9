"""Ports for servers and kernels that are closed and opened again."""

import os
import random
import socket


def free_port() -> int:
    """Return a free TCP port of the loopback address, outside the range that the system hands out by itself."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Return several of them.

    A port of the system's range (32768 and above on Linux) may be taken by anyone's outgoing connection while it is
    closed, and a client that connects to a closed one may even reach itself. Processes of pytest that run side by side
    have ports of their own.
    """
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    found: list[int] = []
    for port in random.sample(range(20000 + process, 32768, processes), 200):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found.append(port)
            if len(found) == count:
                return found
    raise RuntimeError("No free port was found between 20000 and 32767.")
