"""The task's log: lines of JSON, on a descriptor that no code of the user's has.

What an item prints becomes `{"item": …, "message": …}`, so that a line's item is always known.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

from batchctl.runner.reply import write_all

LONGEST_MESSAGE_BYTES = 8 * 1024
"""Docker hands on longer lines than 16 KiB in parts (its documentation, logging driver plugins)."""


class Log:
    """Writes lines of JSON to a copy of a descriptor."""

    def __init__(self, descriptor: int = 1) -> None:
        """Copy the descriptor; programs that are started don't have the copy."""
        self._descriptor = os.dup(descriptor)

    def fileno(self) -> int:
        """Return the copy."""
        return self._descriptor

    def line(self, **fields: Any) -> None:
        """Write one line; where nobody reads the log any more, the work goes on without it."""
        text = json.dumps(fields, ensure_ascii=False) + "\n"
        try:
            write_all(self._descriptor, text.encode(errors="backslashreplace"))
        except OSError:
            return

    def close(self) -> None:
        """Close the copy."""
        os.close(self._descriptor)


class Lines:
    """Cuts what a process prints into lines, as a terminal would show them.

    Of a line that is written over and over (carriage returns, as progress bars do) the last state
    is kept. A line that is too long comes in parts. Bytes that are no UTF-8 are replaced.
    """

    def __init__(self) -> None:
        """Nothing has been printed."""
        self._rest = b""

    def add(self, data: bytes) -> Iterator[str]:
        """Yield the lines that are complete with `data`."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            yield from _parts(_last_state(line))
        if b"\r" in self._rest.rstrip(b"\r"):
            is_rewound = self._rest.endswith(b"\r")
            self._rest = _last_state(self._rest) + (b"\r" if is_rewound else b"")
        while len(self._rest) > LONGEST_MESSAGE_BYTES:
            end = _cut(self._rest)
            yield self._rest[:end].decode(errors="replace")
            self._rest = self._rest[end:]

    def end(self) -> Iterator[str]:
        """Yield the last line, where it has no end."""
        rest, self._rest = _last_state(self._rest), b""
        if rest:
            yield from _parts(rest)


def _last_state(line: bytes) -> bytes:
    """Return what a terminal shows of a line: what follows the last carriage return but one."""
    return line.rstrip(b"\r").rpartition(b"\r")[2]


def _parts(line: bytes) -> Iterator[str]:
    while len(line) > LONGEST_MESSAGE_BYTES:
        end = _cut(line)
        yield line[:end].decode(errors="replace")
        line = line[end:]
    yield line.decode(errors="replace")


def _cut(line: bytes) -> int:
    """Return where to cut a long line: not within a character of UTF-8."""
    for end in range(LONGEST_MESSAGE_BYTES, LONGEST_MESSAGE_BYTES - 4, -1):
        if line[end] & 0xC0 != 0x80:
            return end
    return LONGEST_MESSAGE_BYTES
