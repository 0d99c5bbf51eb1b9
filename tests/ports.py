"""Ports for servers that are closed and opened again."""

import random
import socket


def free_port() -> int:
    """Return a free TCP port of the loopback address, outside the range that the system hands out by itself.

    A port of that range (32768 and above on Linux) may be taken by anyone's outgoing connection while it is closed,
    and a client that connects to a closed one may even reach itself.
    """
    for port in random.sample(range(20000, 32768), 200):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("No free port was found between 20000 and 32767.")
