"""How a task ends on request: SIGTERM (a reclaimed host, a cancelled job, a timeout) or SIGINT.

The items in hand are given up and nothing of them is recorded, so that the next attempt begins them
anew; what was computed is recorded. Amazon ECS sends SIGKILL 30 seconds after SIGTERM (Developer
guide, ECS_CONTAINER_STOP_TIMEOUT).
"""

from __future__ import annotations

import signal
from types import FrameType


class Stopped(Exception):
    """A signal came before there was anything to finish."""


class StopSignal:
    """Takes the signals: raises Stopped where the program just is, later only keeps them."""

    def __init__(self) -> None:
        """Begin with no signal received."""
        self.received: int | None = None
        self._is_deferred = False

    def install(self) -> None:
        """Take the signals; a container's first process is deaf to those it doesn't take."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._receive)

    def defer(self) -> None:
        """From now on keep what comes: whoever asks for `received` acts on it."""
        self._is_deferred = True

    def ignore(self) -> None:
        """Let no further signal disturb the end of the program."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        self.received = self.received or number
        if not self._is_deferred:
            raise Stopped
