"""The log of every `up` and `down`: who, when, which steps, which calls of AWS, with what answers.

A file for each run in `.batchctl/runs/`, a JSON object a line, written as it happens: a run that is
killed leaves what it did. Secrets are masked; the folder keeps the last runs, a file is bounded.

    {"what": "run", "id", "command", "stack", "started", "who", "machine", "version"}
    {"what": "step", "address", "action", "outcome", "seconds", "error"?}
    {"what": "call", "call": "sqs.CreateQueue batchapp-jobs: 200, request 7f…, 120 ms, attempt 1"}
    {"what": "end", "outcome", "seconds"}
"""

from __future__ import annotations

import getpass
import json
import logging
import platform
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TextIO

from batchctl import __version__
from batchctl.aws.errors import explain
from batchctl.aws.secrets import SECRETS
from batchctl.engine.events import Emit, Event, Failed, Finished, Kept, Skipped
from batchctl.errors import BatchctlError
from batchctl.private_files import create_private, private_folder

FOLDER: Final = "runs"
MOST_RUNS: Final = 50
MOST_BYTES: Final = 1_000_000
"""Of one run: some 5,000 calls. What comes after it isn't kept, and the file says so."""

_CALLS = logging.getLogger("batchctl.aws.calls")


class RunLog(logging.Handler):
    """The file of one run; what can't be written is left out, a run never fails for its log."""

    def __init__(self, file: TextIO) -> None:
        """Write to `file`, which is nobody else's."""
        super().__init__(logging.DEBUG)
        self._file = file
        self._left = MOST_BYTES
        self._write_lock = threading.Lock()

    def write(self, what: str, **values: Any) -> None:
        """Append a line, without the secrets in it."""
        line = SECRETS.masked(json.dumps({"what": what, **values}, ensure_ascii=True)) + "\n"
        with self._write_lock, suppress(OSError, ValueError):
            if len(line) > self._left and what == "call":
                line = '{"what": "cut"}\n' if self._left > 0 else ""
                self._left = 0
            self._left -= len(line)
            self._file.write(line)
            self._file.flush()

    def emit(self, record: logging.LogRecord) -> None:
        """Take a call from the log of calls."""
        self.write("call", call=record.getMessage())

    def step(self, event: Event) -> None:
        """Take what has come of a step."""
        match event:
            case Finished(step, seconds):
                self._of(step.address, step.action.name, "done", seconds)
            case Failed(step, error):
                text = explain(error)[0]
                self._of(step.address, step.action.name, "failed", None, error=text)
            case Kept(step, because):
                self._of(step.address, step.action.name, "kept", None, error=because)
            case Skipped(address, because):
                self._of(address, "SKIP", "skipped", None, error=f"because of {because}")
            case _:
                pass

    def _of(
        self, address: str, action: str, outcome: str, seconds: float | None, **more: str
    ) -> None:
        took = {} if seconds is None else {"seconds": round(seconds, 2)}
        values = {"address": address, "action": action.lower(), "outcome": outcome}
        self.write("step", **values, **took, **more)


@contextmanager
def logged(
    state_folder: Path, stack: str, command: str, who: str | None, emit: Emit
) -> Iterator[Emit]:
    """Log the run in the block; what it emits goes to `emit` as well, by what is yielded."""
    started, at = time.monotonic(), datetime.now(UTC)
    path = state_folder / FOLDER / f"{at:%Y%m%dT%H%M%S%f}Z-{stack}.jsonl"
    file = _begin(path)
    if file is None:
        yield emit
        return
    log, level = RunLog(file), _CALLS.level
    log.write(
        "run",
        id=path.stem,
        command=command,
        stack=stack,
        started=at.isoformat(timespec="seconds"),
        who=who,
        machine=_machine(),
        version=__version__,
    )

    def emit_to_both(event: Event) -> None:
        log.step(event)
        emit(event)

    outcome = "ended"
    _CALLS.addHandler(log)
    _CALLS.setLevel(logging.DEBUG)
    try:
        yield emit_to_both
    except BaseException as error:
        outcome = f"ended by {type(error).__name__}"
        raise
    finally:
        _CALLS.removeHandler(log)
        _CALLS.setLevel(level)
        log.write("end", outcome=outcome, seconds=round(time.monotonic() - started, 1))
        file.close()


def _begin(path: Path) -> TextIO | None:
    """Return the file of a new run, after the oldest were deleted; None where there can be none."""
    try:
        private_folder(path.parent)
        for old in paths_of(path.parent)[: -(MOST_RUNS - 1)]:
            old.unlink(missing_ok=True)
        return create_private(path)
    except (OSError, BatchctlError):
        return None


def _machine() -> str:
    with suppress(OSError, KeyError):
        return f"{getpass.getuser()}@{platform.node()}"
    return platform.node()


def paths_of(folder: Path) -> list[Path]:
    """Return the files of runs, the oldest first."""
    return sorted(folder.glob("*Z-*.jsonl")) if folder.is_dir() else []
