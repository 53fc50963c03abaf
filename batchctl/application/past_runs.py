"""The runs that are logged, as they are read again: a damaged line is left out, not the run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchctl.application.run_log import FOLDER, paths_of


@dataclass(frozen=True)
class PastRun:
    """One `up` or `down`; `seconds` None: it never came to its end."""

    id: str
    command: str
    stack: str
    started: str
    who: str | None
    machine: str
    version: str
    outcome: str
    seconds: float | None
    steps: tuple[Mapping[str, Any], ...]
    calls: tuple[str, ...]

    @property
    def failed(self) -> tuple[Mapping[str, Any], ...]:
        """The steps that failed."""
        return tuple(each for each in self.steps if each.get("outcome") == "failed")

    @property
    def counts(self) -> Mapping[str, int]:
        """How many steps came to which outcome."""
        return Counter(str(each.get("outcome")) for each in self.steps)

    @property
    def refused_calls(self) -> tuple[str, ...]:
        """The calls that AWS answered with an error, or not at all."""
        return tuple(each for each in self.calls if not _succeeded(each))


def _succeeded(call: str) -> bool:
    """Whether a line of the log of calls has an HTTP status of 2xx: `sqs.X y: 200, request …`."""
    return call.partition(": ")[2][:1] == "2"


def past_runs(state_folder: Path, stack: str | None = None) -> Iterator[PastRun]:
    """Yield the runs that are logged, the newest first; of one stack, or of all."""
    for path in reversed(paths_of(state_folder / FOLDER)):
        run = _read(path)
        if run is not None and stack in {None, run.stack}:
            yield run


def _read(path: Path) -> PastRun | None:
    lines: dict[str, list[dict[str, Any]]] = {}
    try:
        texts = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    for text in texts:
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict):
            lines.setdefault(str(line.pop("what", "")), []).append(line)
    if "run" not in lines:
        return None
    head, end = lines["run"][0], lines.get("end", [{}])[-1]
    return PastRun(
        id=str(head.get("id", path.stem)),
        command=str(head.get("command", "")),
        stack=str(head.get("stack", "")),
        started=str(head.get("started", "")),
        who=head.get("who"),
        machine=str(head.get("machine", "")),
        version=str(head.get("version", "")),
        outcome=str(end.get("outcome", "killed")),
        seconds=end.get("seconds"),
        steps=tuple(lines.get("step", ())),
        calls=tuple(str(each.get("call", "")) for each in lines.get("call", ())),
    )
