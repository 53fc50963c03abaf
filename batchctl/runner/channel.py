"""Messages between the runner's processes: a line of JSON each, and the descriptors that go along.

Over a pair of Unix sockets. The receiver owns the descriptors that it gets.
"""

from __future__ import annotations

import json
import os
import socket
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

RECEIVED_BYTES = 65_536
MAX_DESCRIPTORS = 16


@dataclass(frozen=True)
class Message:
    """What a message says, and the descriptors that came with it."""

    content: Mapping[str, Any]
    descriptors: tuple[int, ...] = ()


class Channel:
    """One end of a pair of sockets; it is closed when the other end is."""

    def __init__(self, end: socket.socket) -> None:
        """Own this socket."""
        self._socket = end
        self._bytes = b""
        self._descriptors: deque[int] = deque()
        self.is_closed = False

    def fileno(self) -> int:
        """Return the descriptor to wait on for messages."""
        return self._socket.fileno()

    def send(self, content: Mapping[str, Any], descriptors: Sequence[int] = ()) -> bool:
        """Send a message; False where the other end is gone."""
        line = json.dumps({**content, "descriptors": len(descriptors)}).encode() + b"\n"
        try:
            sent = socket.send_fds(self._socket, [line], descriptors) if descriptors else 0
            self._socket.sendall(line[sent:])
        except OSError:
            return False
        return True

    def receive(self) -> Message | None:
        """Wait for the next message; None when the other end is closed."""
        while (message := self._next()) is None and not self.is_closed:
            self._read()
        return message

    def available(self) -> list[Message]:
        """Return the messages that are there, after one read that may wait."""
        self._read()
        found = []
        while (message := self._next()) is not None:
            found.append(message)
        return found

    def close(self) -> None:
        """Close this end in this process."""
        self.is_closed = True
        self._socket.close()
        while self._descriptors:
            os.close(self._descriptors.popleft())

    def _read(self) -> None:
        try:
            data, descriptors, _, _ = socket.recv_fds(self._socket, RECEIVED_BYTES, MAX_DESCRIPTORS)
        except OSError:
            data, descriptors = b"", []
        for descriptor in descriptors:
            os.set_inheritable(descriptor, False)  # noqa: FBT003  # its only form
            self._descriptors.append(descriptor)
        self._bytes += data
        self.is_closed = not data

    def _next(self) -> Message | None:
        line, end, rest = self._bytes.partition(b"\n")
        if not end:
            return None
        self._bytes = rest
        content = json.loads(line)
        count = content.pop("descriptors", 0)
        return Message(content, tuple(self._descriptors.popleft() for _ in range(count)))


def pair() -> tuple[Channel, socket.socket]:
    """Return our end of a new channel, and the socket that becomes the other end."""
    ours, others = socket.socketpair()
    return Channel(ours), others
