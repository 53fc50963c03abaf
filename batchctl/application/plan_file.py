"""A plan as a file: what was reviewed is what `up` carries out, or nothing is.

`up` plans again and compares, step by step. What can't be known before is compared by where it will
come from; how many jobs run just then isn't compared.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchctl import __version__
from batchctl.engine.plan import Plan
from batchctl.engine.steps import Step
from batchctl.errors import UsageError
from batchctl.private_files import write_private

FORMAT = 1


@dataclass(frozen=True)
class PlanFile:
    """What was planned, where, and with which front door; `origin` is the stack's."""

    stack: str
    account: str
    region: str
    origin: str | None
    api_mode: str
    api_auth: str
    steps: Mapping[str, Any]

    def write(self, path: Path) -> None:
        """Write it, for its user alone; Unwritable when that can't be done."""
        data = {"format": FORMAT, "batchctl": __version__, **vars(self)}
        write_private(path, json.dumps(data, indent=2) + "\n")

    @classmethod
    def read(cls, path: Path) -> PlanFile:
        """Return what `write` wrote; UsageError for anything else."""
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            if data.pop("format") != FORMAT:
                raise UsageError(f"could not use `{path}`: another version of batchctl wrote it")
            data.pop("batchctl")
            return cls(**data)
        except OSError as error:
            raise UsageError(f"could not read `{path}`: {error.strerror}") from error
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise UsageError(
                f"could not use `{path}`: it is no plan",
                hint="`batchctl plan --out FILE` writes one",
            ) from error

    def require_same(self, other: PlanFile, path: Path) -> None:
        """Raise UsageError, naming what differs, unless `other` is what was planned here."""
        differing = list(_differing(self, other))
        if differing:
            raise UsageError(
                f"could not carry out `{path}`: since it was written, this has changed:\n"
                + "\n".join(differing),
                hint="plan and review again: `batchctl plan --out FILE`",
            )


def steps_of(plan: Plan) -> dict[str, Any]:
    """Return the steps that do something, by address and name, as JSON has them."""
    done = {f"{step.address}  {step.name}": _as_data(step) for step in plan.steps if step.mutates}
    found: dict[str, Any] = json.loads(json.dumps(done, default=str))
    return found


def _as_data(step: Step) -> dict[str, Any]:
    return {
        "action": step.action.value,
        "changes": {
            each.path: [each.old, each.comes_from or (each.new if each.known else None)]
            for each in step.changes
        },
        "loosens": list(step.loosens),
        "loses_data": bool(step.loses_data),
    }


def _differing(then: PlanFile, now: PlanFile) -> Iterator[str]:
    for what in ("stack", "account", "region", "api_mode", "api_auth"):
        was, is_now = getattr(then, what), getattr(now, what)
        if was != is_now:
            yield f"  {what}: {was} -> {is_now}"
    for key in dict.fromkeys((*then.steps, *now.steps)):
        was, is_now = then.steps.get(key), now.steps.get(key)
        if was != is_now:
            yield f"  {key}: {_said(was)} -> {_said(is_now, was)}"


def _said(step: Mapping[str, Any] | None, before: Mapping[str, Any] | None = None) -> str:
    """Say in short what a step does; of one that does the same, what it changes otherwise."""
    if step is None:
        return "nothing"
    if before is None or before["action"] != step["action"]:
        return str(step["action"])
    had, has = before["changes"], step["changes"]
    paths = [path for path in {**had, **has} if had.get(path) != has.get(path)]
    return f"{step['action']} with another {', '.join(sorted(paths)) or 'consequence'}"
