"""One item computed here, as a task would: no cloud, no table, no image.

The user's code runs in a Python of its own, in its folder, with `compute.environment`, its
`setup`, the conversion and the limits of results, and the time limit of an item. It is called once.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchctl.application.image import build_folder
from batchctl.application.target import Target
from batchctl.config import Config, load
from batchctl.contract.reasons import Reason
from batchctl.errors import BatchctlError
from batchctl.jobs.api.new_task import check_item

_PROGRAM = (
    "import json, sys; given = json.loads(sys.argv[1]); sys.path[:] = given['path']; "
    "from batchctl.runner.single_item import main; main(given)"
)
_PEAK_UNIT_BYTES = 1 if sys.platform == "darwin" else 1024
"""getrusage(2): kilobytes; on macOS bytes."""


@dataclass(frozen=True)
class SingleRun:
    """What became of an item: its `result`, or else its `error` and the `reason` for it.

    `seconds` of compute alone, or until a failure; `over_memory_mib`: what a task has, where more
    than that was held, and it would have been killed.
    """

    item: str
    succeeded: bool
    result: object
    error: str | None
    reason: str | None
    seconds: float
    peak_memory_mib: float
    over_memory_mib: int | None
    hint: str | None = None


def run_item(
    target: Target, item: str, parameters: Mapping[str, object], own: Mapping[str, object]
) -> SingleRun:
    """Compute one item; what it prints goes to stderr, a traceback too.

    `own` are its own parameters, which `setup` doesn't get.
    UsageError for what no job could have, or where the configuration or the folder is wrong.
    """
    check_item(item, parameters, own)
    if os.name != "posix":
        raise BatchctlError(
            "could not run the item: batchctl's runner needs Linux or macOS",
            hint="use the Windows Subsystem for Linux",
        )
    config = load(target.config)
    with tempfile.TemporaryFile() as reply:
        ended = _Child(target, config, item, parameters, own, reply.fileno()).wait()
        reply.seek(0)
        return _outcome(item, config, ended, reply.read())


@dataclass(frozen=True)
class _Ended:
    """How the process ended: its exit status, negative for a signal; None: its time was over."""

    status: int | None
    seconds: float
    peak_memory_mib: float


@dataclass(frozen=True)
class _Child:
    """The process that has the user's code."""

    target: Target
    config: Config
    item: str
    parameters: Mapping[str, object]
    own: Mapping[str, object]
    reply: int

    def wait(self) -> _Ended:
        """Run it until it ends, or until an item's time is over."""
        import resource  # noqa: PLC0415 - Windows has none
        import time  # noqa: PLC0415 - beside it

        folder = build_folder(self.target, self.config)
        began, status = time.monotonic(), None
        child = subprocess.Popen(  # noqa: S603 - our own Python
            self._command(folder),
            cwd=folder,
            env={**os.environ, **self.config.compute.environment},
            pass_fds=(self.reply,),
        )
        try:
            status = child.wait(self.config.compute.timeout_s)
        except subprocess.TimeoutExpired:
            pass
        finally:
            child.kill()
            child.wait()
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * _PEAK_UNIT_BYTES / 2**20
        return _Ended(status, time.monotonic() - began, round(peak, 1))

    def _command(self, folder: Path) -> list[str]:
        given: dict[str, Any] = {
            "folder": str(folder),
            "item": self.item,
            "parameters": dict(self.parameters),
            "own": dict(self.own),
            "path": [str(Path(each).absolute()) for each in sys.path],
            "result": self.reply,
        }
        return [sys.executable, "-P", "-c", _PROGRAM, json.dumps(given)]


def _outcome(item: str, config: Config, ended: _Ended, reply: bytes) -> SingleRun:
    said = _parsed(reply)
    size_mib = config.compute.memory_sizes_mib[-1]
    succeeded = said is not None and said["result"] is not None
    error, reason = (None, None) if succeeded else _failure(said, ended, config)
    return SingleRun(
        item=item,
        succeeded=succeeded,
        result=json.loads(said["result"]) if said and succeeded else None,
        error=error,
        reason=reason,
        seconds=round(float(said["seconds"]) if said and succeeded else ended.seconds, 3),
        peak_memory_mib=ended.peak_memory_mib,
        over_memory_mib=size_mib if ended.peak_memory_mib > size_mib else None,
        hint=_hint(error or "", config),
    )


def _parsed(reply: bytes) -> dict[str, Any] | None:
    """Return what the runner says came of the item; None where it was cut short."""
    try:
        said: dict[str, Any] = json.loads(reply)
    except ValueError:
        return None
    return said


def _failure(said: Mapping[str, Any] | None, ended: _Ended, config: Config) -> tuple[str, str]:
    if said is not None:
        return str(said["error"]), str(said["reason"])
    if ended.status is None:
        limit = f"it took longer than `compute.timeout_s`, {config.compute.timeout_s} s"
        return limit, str(Reason.TIMEOUT)
    if ended.status < 0:
        name = signal.Signals(-ended.status).name
        return f"its process was killed by {name} before compute returned", str(Reason.EXIT_CODE)
    return (
        f"compute ended its process with exit status {ended.status} before it returned",
        str(Reason.EXIT_CODE),
    )


def _hint(error: str, config: Config) -> str | None:
    if error.startswith("ModuleNotFoundError"):
        requirements = f"{config.compute.build}/requirements.txt"
        return (
            f"install what compute.py imports in this Python (`pip install -r {requirements}`); "
            f"tasks have what `{requirements}` names"
        )
    if error.startswith("could not import compute.py"):
        return "write compute.py with a function `compute(item, parameters)` there"
    return None
