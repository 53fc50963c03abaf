"""Recording results beside the computing: threads that write them to the job table.

Nothing that was computed is lost while there is time: a write is repeated until the attempt's last
second (Patience), or after SIGTERM until the grace period is nearly over.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from batchctl.contract.reasons import Reason
from batchctl.runner.job_table import Outcome
from batchctl.runner.patience import GaveUp, Patience

MOST_WAITING_BYTES = 64 * 1024 * 1024
"""So much may wait to be written; computing pauses meanwhile."""

Record = Callable[[str, Outcome], bool]
"""Writes the outcome of an item; returns whether it was written, False where a success stood."""


@dataclass(frozen=True)
class Written:
    """What became of an outcome. `recorded` False: the item had succeeded elsewhere meanwhile.

    `error`: it could not be written.
    """

    at: int
    item: str
    outcome: Outcome
    recorded: bool = False
    error: str | None = None


Done = Callable[[Written], None]
"""Called in a writer's thread when the writing of an outcome is over."""


class Recorder:
    """Writes outcomes in some threads, until `deadline` (on the clock)."""

    def __init__(
        self, record: Record, done: Done, deadline: float, clock: Callable[[], float]
    ) -> None:
        """Have no threads yet."""
        self._record, self._done = record, done
        self._deadline = deadline
        self._hurry = threading.Event()
        self._patience = Patience(self._hurry.wait, clock)
        self._queue: queue.SimpleQueue[tuple[int, str, Outcome]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._waiting_bytes = self._waiting = 0

    def start(self, writers: int) -> None:
        """Start so many threads; they end with the program."""
        for number in range(writers):
            threading.Thread(target=self._write, name=f"writer-{number}", daemon=True).start()

    def put(self, at: int, item: str, outcome: Outcome) -> None:
        """Have an outcome written."""
        with self._lock:
            self._waiting += 1
            self._waiting_bytes += size_of(outcome)
        self._queue.put((at, item, outcome))

    @property
    def deadline(self) -> float:
        """When nothing more will be written, on the clock."""
        return self._deadline

    @property
    def has_room(self) -> bool:
        """Whether more may be computed before what waits is written."""
        return self._waiting_bytes < MOST_WAITING_BYTES

    @property
    def waiting(self) -> int:
        """How many outcomes aren't written yet."""
        return self._waiting

    def hasten(self, deadline: float) -> None:
        """Write what waits until then and no longer, the pauses cut short once."""
        self._deadline = min(self._deadline, deadline)
        self._hurry.set()
        self._hurry.clear()

    def _write(self) -> None:
        while True:
            at, item, outcome = self._queue.get()
            written = self._written(at, item, outcome)
            with self._lock:
                self._waiting -= 1
                self._waiting_bytes -= size_of(outcome)
            self._done(written)

    def _written(self, at: int, item: str, outcome: Outcome) -> Written:
        try:
            return self._try_to_write(at, item, outcome)
        except GaveUp as error:
            return Written(at, item, outcome, error=str(error))
        except Exception as error:  # noqa: BLE001  # a refused record; a thread must not die of it
            refused = replace(
                outcome,
                result=None,
                error=f"the job table refused the result: {error}",
                reason=Reason.EXCEPTION,
            )
        try:
            return self._try_to_write(at, item, refused)
        except Exception as error:  # noqa: BLE001  # as above
            return Written(at, item, refused, error=str(error))

    def _try_to_write(self, at: int, item: str, outcome: Outcome) -> Written:
        recorded = self._patience.call(lambda: self._record(item, outcome), lambda: self._deadline)
        return Written(at, item, outcome, recorded)


def size_of(outcome: Outcome) -> int:
    """Return about how much memory an outcome takes."""
    return 500 + len(outcome.result or "") + len(outcome.error or "")
