"""What `--debug` shows: each AWS call in a line, with `-v` all that is sent, and tracebacks.

It goes to stderr as all else that people read, and without the secrets in it.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from batchctl.aws.secrets import SECRETS
from batchctl.cli.output import say, say_lines

FORMAT = "%(asctime)s.%(msecs)03d %(levelname)s %(name)s: %(message)s"
LEVELS = {"": logging.INFO, "batchctl": logging.DEBUG}
WIRE_LEVELS = {**LEVELS, "botocore": logging.DEBUG, "urllib3": logging.DEBUG}


class DebugHandler(logging.Handler):
    """Prints log records on stderr, which a table that moves may have replaced meanwhile."""

    def __init__(self) -> None:
        """Say when a record was written to the millisecond."""
        super().__init__()
        self.setFormatter(logging.Formatter(FORMAT, "%H:%M:%S"))

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record, the lines of its traceback included."""
        try:
            say_lines(SECRETS.masked(self.format(record)))
        except (TypeError, ValueError):
            # `logging` would print the record's arguments, as they are.
            say(f"could not format a record of `{record.name}`, line {record.lineno}")


@contextmanager
def debug_log(*, wire: bool) -> Iterator[None]:
    """Show the log while the block runs, with `wire` that of botocore as well; once at a time."""
    root = logging.getLogger()
    handlers = [] if any(isinstance(each, DebugHandler) for each in root.handlers) else [_HANDLER]
    levels = WIRE_LEVELS if wire else LEVELS
    before = {name: logging.getLogger(name).level for name in levels}
    for handler in handlers:
        root.addHandler(handler)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
        for handler in handlers:
            root.removeHandler(handler)


_HANDLER = DebugHandler()


def show_traceback() -> None:
    """Print the traceback of the error in hand, and of those that led to it."""
    say_lines(SECRETS.masked("".join(traceback.format_exception(sys.exception())).rstrip()))
