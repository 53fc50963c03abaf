"""How many functions run at once on this machine: a bound, and a queue before it.

MiniStack starts a process for each call that finds no idle one, so that a burst of clients would
start dozens of interpreters, each too slow to answer in time.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

FUNCTIONS_PER_PROCESSOR = 2
PATIENCE_S = 60.0
"""Elastic Load Balancing User Guide, "Connection idle timeout": after 60 seconds the client of a
load balancer is gone."""


class BusyError(Exception):
    """No slot came free in time."""


class FunctionSlots:
    """The slots: a call of a function takes one; a function that a function calls needs none.

    A caller that waits for what it has called must not hold the slot that the other waits for.
    """

    def __init__(self, count: int, patience_s: float = PATIENCE_S) -> None:
        """Let `count` functions run at once, and others wait for `patience_s`."""
        self.count = count
        self._patience_s = patience_s
        self._free = threading.Semaphore(count)

    @contextmanager
    def taken(self, depth: Callable[[], int]) -> Iterator[None]:
        """Hold a slot; BusyError when none comes free. `depth` is over 1 in a function's call."""
        if depth() > 1:
            yield
            return
        if not self._free.acquire(timeout=self._patience_s):
            raise BusyError
        try:
            yield
        finally:
            self._free.release()


def slots_of_this_machine() -> FunctionSlots:
    """Return as many slots as the machine's processors can serve, at least two."""
    return FunctionSlots(max(2, FUNCTIONS_PER_PROCESSOR * (os.cpu_count() or 1)))
