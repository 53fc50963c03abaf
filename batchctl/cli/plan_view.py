"""The plan for people and for machines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from batchctl.cli.output import say

if TYPE_CHECKING:
    from batchctl.engine.difference import Change
    from batchctl.engine.plan import Plan, Step

LONGEST_VALUE = 120


def show_plan(plan: Plan, *, verbose: bool = False) -> None:
    """Print every step that changes something, its attributes, and the sum."""
    for step in plan.steps:
        for line in _lines(step, verbose=verbose):
            say(line)
    if plan.changes:
        say("")
    say(summary(plan))


def summary(plan: Plan, *, done: bool = False) -> str:
    """Return the sum in one line: `3 to create, 1 to update`, or `no changes`.

    With `done` it is told as past: `3 created, 1 updated`.
    """
    from batchctl.engine.plan import Action

    words = {
        Action.CREATE: ("to create", "created"),
        Action.UPDATE: ("to update", "updated"),
        Action.REPLACE: ("to replace", "replaced"),
        Action.DELETE: ("to delete", "deleted"),
        Action.KEEP: ("to keep", "kept"),
    }
    counts = {action: plan.count(action) for action in words}
    parts = [f"{count} {words[action][done]}" for action, count in counts.items() if count]
    adopted = sum(step.adopted for step in plan.steps)
    if adopted:
        parts.append(f"{adopted} found and adopted")
    return ", ".join(parts) or "no changes"


def as_json(plan: Plan) -> dict[str, Any]:
    """Return the plan as data: every step with its action, changes and reasons."""
    return {
        "changes": len(plan.changes),
        "steps": [_step_as_json(step) for step in plan.steps],
    }


def _step_as_json(step: Step) -> dict[str, Any]:
    return {
        "action": step.action.name.lower().replace("_", "-"),
        "address": step.address,
        "name": step.name,
        "adopted": step.adopted,
        "loses_data": step.loses_data,
        "ends": step.ends,
        "kept_because": step.kept_because,
        "forced_by": list(step.forced_by),
        "changes": [
            {"path": c.path, "old": c.old, "new": c.new if c.known else None, "known": c.known}
            for c in step.changes
        ],
        "notes": list(step.notes),
    }


def _lines(step: Step, *, verbose: bool) -> Iterator[str]:
    if step.mutates or step.action.value == "=":
        yield f"{step.action.value:>3} {step.address}  {step.name}{_remark(step)}"
        if verbose or step.action.value in {"~", "-/+"}:
            yield from _changes(step.changes, step.forced_by)
    elif step.adopted or (verbose and step.remark):
        yield f"    {step.address}  {step.name}{_remark(step)}"
    for note in step.notes:
        yield f"    note: {note}"


def _remark(step: Step) -> str:
    if step.kept_because:
        return f"  (kept: {step.kept_because})"
    if step.loses_data:
        return f"  (DATA IS LOST: {step.loses_data})"
    if step.ends:
        return f"  (ENDS: {step.ends})"
    said = ", ".join(filter(None, (step.remark, "found, adopted" if step.adopted else "")))
    return f"  ({said})" if said else ""


def _changes(changes: Iterable[Change], forced_by: tuple[str, ...]) -> Iterator[str]:
    for change in changes:
        forces = "  (forces replacement)" if change.path in forced_by else ""
        new = _text(change.new) if change.known else "known after up"
        old = "" if change.old is None else f"{_text(change.old)} -> "
        yield f"      {change.path}: {old}{new}{forces}"


def _text(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
