"""Ctrl-C while AWS is being changed: the first ends the run in good order, the second at once.

A terminal that closes (SIGHUP) ends it in good order as well, with nobody to read what it says.
"""

from __future__ import annotations

import os
import signal
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from batchctl.cli.failures import INTERRUPTED
from batchctl.cli.output import people, say
from batchctl.ending import undo_all


@contextmanager
def stopping(stop: threading.Event) -> Iterator[None]:
    """Set `stop` on the first Ctrl-C in the block (or a SIGTERM); exit at once on the second.

    Set it when the terminal closes, too, unless that is ignored (`nohup`).
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            # The table of what runs hides it, and doesn't come to its end.
            people().show_cursor()
            say("stopped at once; the next run continues from the state")
            undo_all()
            os._exit(INTERRUPTED)
        stop.set()
        say("stopping: calls in flight are finished and recorded (Ctrl-C again: stop at once)")

    def hang_up(_signal: int, _frame: FrameType | None) -> None:
        _let_go_of_terminal()
        stop.set()

    previous = {each: signal.signal(each, interrupt) for each in (signal.SIGINT, signal.SIGTERM)}
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        previous[signal.SIGHUP] = signal.signal(signal.SIGHUP, hang_up)
    try:
        yield
    finally:
        for each, handler in previous.items():
            signal.signal(each, handler)


def _let_go_of_terminal() -> None:
    """Lead output that goes to a terminal into nothing: a closed one fails every write (EIO)."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        with suppress(OSError):
            # A file or a pipe goes on; `isatty` says no of a terminal that is closed.
            if stat.S_ISCHR(os.fstat(descriptor).st_mode):
                os.dup2(nothing, descriptor)
    os.close(nothing)
