"""Listen to everything that a kernel publishes, as raw frames, on a socket of our own."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zmq


@dataclass(frozen=True, slots=True)
class Published:
    """One IOPub message.

    Attributes
    ----------
    type
        `stream`, `display_data`, `update_display_data`, `status`, ...
    parent
        The id of the request that it answers; empty if there is none.
    size_bytes
        Of all its frames, with signature, headers and buffers.
    at
        When it arrived (`time.monotonic()`).
    """

    type: str
    content: dict[str, Any]
    metadata: dict[str, Any]
    parent: str
    size_bytes: int
    at: float


class IOPub:
    """Reads on a thread of its own, so that nothing is lost and each message has its true time of arrival.

    Parameters
    ----------
    connection_file
        The kernel's.
    """

    def __init__(self, connection_file: Path) -> None:
        info = json.loads(connection_file.read_text())
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.SUB)
        self._socket.setsockopt(zmq.SUBSCRIBE, b"")
        self._socket.setsockopt(zmq.RCVHWM, 0)  # without it a slow reader loses messages
        self._socket.setsockopt(zmq.LINGER, 0)
        if server_key := info.get("curve_publickey"):  # newer jupyter_client and ipykernel encrypt
            public, secret = zmq.curve_keypair()
            self._socket.curve_publickey, self._socket.curve_secretkey = public, secret
            self._socket.curve_serverkey = server_key.encode()
        self._socket.connect(f"{info['transport']}://{info['ip']}:{info['iopub_port']}")
        self._messages: list[Published] = []
        self._arrived = threading.Condition()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._read, name="iopub", daemon=True)
        self._thread.start()

    def messages(self, parent: str | None = None) -> list[Published]:
        """Return what has arrived so far, of one request if it is named."""
        with self._arrived:
            return [message for message in self._messages if parent is None or message.parent == parent]

    def wait_for(self, matches: Callable[[Published], bool], timeout_s: float) -> Published | None:
        """Return the first message so far or from now on that matches; None after `timeout_s`."""
        end_at = time.monotonic() + timeout_s
        seen = 0
        with self._arrived:
            while True:
                for message in self._messages[seen:]:
                    if matches(message):
                        return message
                seen = len(self._messages)
                left_s = end_at - time.monotonic()
                if left_s <= 0:
                    return None
                self._arrived.wait(left_s)

    def close(self) -> None:
        """Stop listening."""
        self._closing.set()
        self._thread.join(5)
        self._socket.close()
        self._context.term()

    def _read(self) -> None:
        while not self._closing.is_set():
            if not self._socket.poll(50):
                continue
            frames: list[bytes] = self._socket.recv_multipart()
            at = time.monotonic()
            # After the delimiter: the signature, then four parts of JSON, then buffers.
            first = frames.index(b"<IDS|MSG>") + 2
            header, parent, metadata, content = map(json.loads, frames[first : first + 4])
            message = Published(
                type=header["msg_type"],
                content=content,
                metadata=metadata,
                parent=_id(parent),
                size_bytes=sum(map(len, frames)),
                at=at,
            )
            with self._arrived:
                self._messages.append(message)
                self._arrived.notify_all()


def _id(header: Mapping[str, Any]) -> str:
    return str(header.get("msg_id", ""))
