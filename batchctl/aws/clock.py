"""Time, passed in: all waits use a Clock, so that tests never sleep and Ctrl-C ends a wait.

With it comes who works at the same time: a test can have everything done in one thread.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from batchctl.aws.workers import Threads, Workers
from batchctl.errors import Interrupted


def _stoppable_sleep(stop: threading.Event, seconds: float) -> None:
    if stop.wait(seconds):
        raise Interrupted("stopped while waiting")


@dataclass(frozen=True)
class Clock:
    """`now()` is in seconds and monotonic; `pause(seconds)` ends early on `stop`."""

    now: Callable[[], float] = time.monotonic
    stop: threading.Event = field(default_factory=threading.Event)
    sleep: Callable[[threading.Event, float], None] = _stoppable_sleep
    workers: Callable[[], Workers] = Threads

    def pause(self, seconds: float) -> None:
        """Wait `seconds`; raises Interrupted when the run is being stopped."""
        self.sleep(self.stop, seconds)
