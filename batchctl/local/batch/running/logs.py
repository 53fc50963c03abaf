"""A job's output, read as it comes, line by line, and cut in batches for CloudWatch Logs."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterable, Iterator
from typing import IO, Any

from batchctl.local.batch.model.scope import Clock, milliseconds

MAX_EVENT_BYTES = 200_000
"""A longer line is cut in pieces: below the 256 KiB that CloudWatch Logs has always taken as one
event."""

MAX_BATCH_BYTES = 1_000_000
"""PutLogEvents, CloudWatch Logs API Reference: 1,048,576 bytes in a batch, 26 bytes for each event
included."""

MAX_BATCH_EVENTS = 10_000
"""PutLogEvents, CloudWatch Logs API Reference: 10,000 events in a batch."""

GATHER_S = 0.2
"""So long lines are gathered, as a call for each costs more than what it brings."""

MOST_BYTES = 64 * 1024 * 1024
"""So much of an attempt's log is kept, as the emulator has it in memory; on AWS there is no end."""

_EVENT_OVERHEAD = 26
_BUFFERED_LINES = 20_000

LogEvent = dict[str, Any]


class Lines:
    """The lines of an output, read by a thread of their own; too fast a writer has to wait.

    What comes after so many bytes is left out, and the last line says how much that was.
    """

    def __init__(
        self, output: IO[bytes], clock: Clock, name: str, most_bytes: int = MOST_BYTES
    ) -> None:
        """Start to read `output`, which is closed at its end."""
        self._output, self._clock, self._left_bytes = output, clock, most_bytes
        self._lines: queue.Queue[LogEvent | None] = queue.Queue(_BUFFERED_LINES)
        self.has_ended = False
        threading.Thread(target=self._read, name=f"output-{name}", daemon=True).start()

    def take(self, timeout_s: float) -> list[LogEvent]:
        """Return what has come in: the lines of at most `GATHER_S` seconds from the first one on.

        The first is waited for at most `timeout_s` seconds.
        """
        taken: list[LogEvent] = []
        deadline = time.monotonic() + timeout_s
        try:
            while (line := self._lines.get(timeout=_left(deadline))) is not None:
                if not taken:
                    deadline = time.monotonic() + GATHER_S
                taken.append(line)
                if len(taken) == MAX_BATCH_EVENTS:
                    return taken
        except queue.Empty:
            return taken
        self.has_ended = True
        return taken

    def _read(self) -> None:
        left_out = 0
        with self._output:
            while line := self._output.readline(MAX_EVENT_BYTES):
                if self._left_bytes <= 0:
                    left_out += len(line)
                    continue
                self._left_bytes -= len(line) + _EVENT_OVERHEAD
                self._put(line.decode(errors="replace").rstrip("\r\n"))
        if left_out:
            self._put(f"[batchctl: the local cloud leaves out {left_out:,} bytes of output here]")
        self._lines.put(None)

    def _put(self, text: str) -> None:
        # CloudWatch Logs refuses an empty message.
        self._lines.put({"timestamp": milliseconds(self._clock()), "message": text or " "})


def _left(deadline: float) -> float:
    return max(0.0, deadline - time.monotonic())


def batches(events: Iterable[LogEvent]) -> Iterator[list[LogEvent]]:
    """Cut events into batches that PutLogEvents takes."""
    batch: list[LogEvent] = []
    size = 0
    for event in events:
        weight = len(event["message"].encode()) + _EVENT_OVERHEAD
        if batch and (size + weight > MAX_BATCH_BYTES or len(batch) == MAX_BATCH_EVENTS):
            yield batch
            batch, size = [], 0
        batch.append(event)
        size += weight
    if batch:
        yield batch
