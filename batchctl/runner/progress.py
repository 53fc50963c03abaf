"""The progress of the task: its record is written beside the computing, some times a minute.

It is for counts and grids: a write that fails costs nothing but that; the next one has it all.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from batchctl.contract.progress import Cell

YOUNG_S = 60.0
PAUSE_YOUNG_S, PAUSE_S = 2.0, 5.0
LAST_WRITE_S = 10.0
"""What the end of the task waits for the last record."""

Write = Callable[[bytes], None]


class Progress:
    """The cells of a task's slice, written by a thread of its own, the newest state each time."""

    def __init__(self, write: Write, failed: Callable[[str], None], now: float) -> None:
        """Have no thread yet; `failed` is called with the error of a write, the first one alone."""
        self._write, self._failed = write, failed
        self._cells = bytearray()
        self._began, self._written_at = now, now
        self._is_changed = False
        self._wanted: bytes | None = None
        self._is_writing = False
        self._condition = threading.Condition()

    def start(self, cells: Sequence[int], now: float) -> None:
        """Write the first state, and start the thread."""
        self._cells = bytearray(cells)
        threading.Thread(target=self._run, name="progress", daemon=True).start()
        self._request(now)

    def set(self, at: int, cell: int) -> None:
        """Set where the item at this place of the slice stands."""
        if self._cells[at] != cell:
            self._cells[at] = cell
            self._is_changed = True

    def count_succeeded(self) -> int:
        """Return how many items have succeeded."""
        return self._cells.count(Cell.SUCCEEDED)

    @property
    def size(self) -> int:
        """How many items there are."""
        return len(self._cells)

    def due_in(self, now: float) -> float | None:
        """Return the seconds until the next write; None while there is nothing new."""
        if not self._is_changed:
            return None
        pause = PAUSE_YOUNG_S if now - self._began < YOUNG_S else PAUSE_S
        return max(0.0, self._written_at + pause - now)

    def write_if_due(self, now: float) -> None:
        """Have the state written where it is new and the last write is long enough ago."""
        if self.due_in(now) == 0:
            self._request(now)

    def end(self, now: float, timeout_s: float = LAST_WRITE_S) -> None:
        """Have the last state written, and wait for that so long."""
        if self._is_changed:
            self._request(now)
        with self._condition:
            self._condition.wait_for(
                lambda: self._wanted is None and not self._is_writing, timeout_s
            )

    def _request(self, now: float) -> None:
        self._is_changed, self._written_at = False, now
        with self._condition:
            self._wanted = bytes(self._cells)
            self._condition.notify_all()

    def _run(self) -> None:
        has_failed = False
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._wanted is not None)
                wanted, self._wanted, self._is_writing = self._wanted, None, True
            try:
                self._write(wanted or b"")
            except Exception as error:  # noqa: BLE001  # it never fails the task
                if not has_failed:
                    self._failed(str(error))
                has_failed = True
            with self._condition:
                self._is_writing = False
                self._condition.notify_all()
