"""What one process prints, as far as it is logged: endless output must fill no memory, no disk.

The process goes on, whatever it prints. The log has the beginning, then the end, and a line between
them that says how much is missing.
"""

from __future__ import annotations

from collections.abc import Iterator

from batchctl.runner.log import LONGEST_MESSAGE_BYTES, Lines

MOST_LOGGED_BYTES = 8 * 1024 * 1024
"""So much of what a try of an item prints is logged as it comes, each line with what surrounds it.
CloudWatch Logs takes money for every byte that comes in, and the local cloud keeps it in memory."""

KEPT_BYTES = 64 * 1024
"""So much of its end is logged as well, when it has ended."""

SURROUNDING_BYTES = 64
"""What a line of the log has beside the text of the message and the item, about."""


class Output:
    """Gives the lines to log of one process; of more than `most` bytes the beginning and the end.

    `extra` is what each line takes in the log beside its text.
    """

    def __init__(self, extra: int = SURROUNDING_BYTES, most: int = MOST_LOGGED_BYTES) -> None:
        """Nothing has been printed."""
        self._lines, self._extra, self._left = Lines(), extra, most
        self._end, self._dropped = bytearray(), 0

    def add(self, data: bytes) -> Iterator[str]:
        """Yield the lines to log now."""
        if self._left <= 0:
            self._keep(data)
            return
        for line in self._lines.add(data):
            self._left -= len(line.encode(errors="replace")) + self._extra
            yield line
        if self._left <= 0:
            yield from self._lines.end()
            yield "[batchctl: more output than is logged; its end follows when this has ended]"

    def end(self) -> Iterator[str]:
        """Yield what is still to log when the process has ended."""
        self._drop()
        if self._dropped:
            yield f"[batchctl: {self._dropped:,} bytes of output are left out here]"
        yield from self._lines.add(bytes(self._end))
        yield from self._lines.end()

    def _keep(self, data: bytes) -> None:
        self._end += data
        if len(self._end) > 2 * KEPT_BYTES:
            self._drop()

    def _drop(self) -> None:
        """Leave out all but the last bytes, which begin with a line where one begins soon."""
        start = max(0, len(self._end) - KEPT_BYTES)
        if start:
            start = self._end.find(b"\n", start, start + LONGEST_MESSAGE_BYTES) + 1 or start
            self._dropped += start
            del self._end[:start]
