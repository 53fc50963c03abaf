"""How a task ends when told to: SIGTERM (a reclaimed host, a cancelled job, a timeout) or SIGINT.

The item in hand is given up and nothing of it is recorded, so that the next attempt begins it anew.
Amazon ECS sends SIGKILL 30 seconds after SIGTERM (Developer guide, ECS_CONTAINER_STOP_TIMEOUT).
"""

from __future__ import annotations

import signal
from types import FrameType


class Stopped(BaseException):
    """A signal came. Not an Exception, so that `except Exception` in compute.py lets it pass."""

    def __init__(self, signal_number: int) -> None:
        """Keep the signal, for the exit status."""
        super().__init__(signal_number)
        self.signal_number = signal_number


class StopSignal:
    """Turns the signals into Stopped: where the program just is, and again at every `check`."""

    def __init__(self) -> None:
        """Begin with no signal received."""
        self.received: int | None = None

    def install(self) -> None:
        """Take the signals; a container's first process is deaf to those it doesn't take."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._receive)

    def ignore(self) -> None:
        """Let no further signal disturb the end of the program."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)

    def check(self) -> None:
        """Raise Stopped if a signal has come and compute.py kept it to itself."""
        if self.received is not None:
            raise Stopped(self.received)

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        self.received = number
        raise Stopped(number)
