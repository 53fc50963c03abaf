"""Ctrl-C while AWS is being changed: the first ends the run in good order, the second at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from batchctl.cli.failures import INTERRUPTED
from batchctl.cli.output import people, say


@contextmanager
def stopping(stop: threading.Event) -> Iterator[None]:
    """Set `stop` on the first Ctrl-C in the block (or a SIGTERM); exit at once on the second."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            # The table of what runs hides it, and doesn't come to its end.
            people().show_cursor()
            say("stopped at once; the next run continues from the state")
            os._exit(INTERRUPTED)
        stop.set()
        say("stopping: calls in flight are finished and recorded (Ctrl-C again: stop at once)")

    previous = {each: signal.signal(each, interrupt) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in previous.items():
            signal.signal(each, handler)
