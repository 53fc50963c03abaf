"""A job's output, read as it comes, line by line, and cut in batches for CloudWatch Logs."""

from __future__ import annotations

import queue
import threading
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

_EVENT_OVERHEAD = 26
_BUFFERED_LINES = 20_000

LogEvent = dict[str, Any]


class Lines:
    """The lines of an output, read by a thread of their own; too fast a writer has to wait."""

    def __init__(self, output: IO[bytes], clock: Clock, name: str) -> None:
        """Start to read `output`, which is closed at its end."""
        self._output, self._clock = output, clock
        self._lines: queue.Queue[LogEvent | None] = queue.Queue(_BUFFERED_LINES)
        self.has_ended = False
        threading.Thread(target=self._read, name=f"output-{name}", daemon=True).start()

    def take(self, timeout_s: float) -> list[LogEvent]:
        """Return what has come in, after waiting at most `timeout_s` seconds for the first line."""
        taken: list[LogEvent] = []
        try:
            line = self._lines.get(timeout=timeout_s)
            while line is not None:
                taken.append(line)
                line = self._lines.get_nowait()
        except queue.Empty:
            return taken
        self.has_ended = True
        return taken

    def _read(self) -> None:
        with self._output:
            while line := self._output.readline(MAX_EVENT_BYTES):
                text = line.decode(errors="replace").rstrip("\r\n")
                # CloudWatch Logs refuses an empty message.
                self._lines.put({"timestamp": milliseconds(self._clock()), "message": text or " "})
        self._lines.put(None)


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
