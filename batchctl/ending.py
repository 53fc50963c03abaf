"""What has to be undone when the process ends at once: programs that it started, secrets on disk.

A second Ctrl-C, or a terminal that is closed for good, leaves no time for `finally`. What a block
would leave behind then is named by `undone_at_once`; `undo_all` is for whoever ends the process.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_numbers = itertools.count()
_open: dict[int, Callable[[], None]] = {}


@contextmanager
def undone_at_once(undo: Callable[[], None]) -> Iterator[None]:
    """Have `undo` called if the process ends within the block by `undo_all`.

    It can be called in the middle of anything, once; what it raises (OSError) counts for nothing.
    """
    number = next(_numbers)
    _open[number] = undo
    try:
        yield
    finally:
        _open.pop(number, None)


def undo_all() -> None:
    """Undo what the open blocks would leave behind, the newest first."""
    for number in sorted(_open, reverse=True):
        undo = _open.pop(number, None)
        if undo is not None:
            with suppress(OSError):
                undo()
