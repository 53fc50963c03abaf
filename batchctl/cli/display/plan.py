"""The plan for people and for machines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from batchctl.cli.display.groups import grouped, heading
from batchctl.cli.output import say
from batchctl.engine.action import Action

if TYPE_CHECKING:
    from batchctl.engine.difference import Change
    from batchctl.engine.plan import Plan
    from batchctl.engine.steps import Step

# Of a value that nothing is compared with; of what changes no end may hide the difference.
LONGEST_VALUE = 120
NO_PURPOSES: Mapping[str, str] = MappingProxyType({})
_WORDS = {
    Action.CREATE: ("to create", "created"),
    Action.UPDATE: ("to update", "updated"),
    Action.REPLACE: ("to replace", "replaced"),
    Action.DELETE: ("to delete", "deleted"),
    Action.KEEP: ("to keep", "kept"),
}


def show_plan(
    plan: Plan,
    write: Callable[[str], None] = say,
    purposes: Mapping[str, str] = NO_PURPOSES,
    *,
    verbose: bool = False,
) -> None:
    """Write, a line at a time, what changes something, and the sum.

    What needs attention comes first, attribute by attribute; of groups that are made or deleted as
    a whole a line each, which `purposes` says in words. With `verbose` every resource is written,
    with its attributes, under its group. `write` is `show` where the plan is what was asked for.
    """
    whole = {} if verbose else _made_or_deleted(plan)
    summed = {id(step) for steps in whole.values() for step in steps}
    single = [step for step in plan.steps if id(step) not in summed]
    if verbose:
        _write_groups(plan, single, write, purposes)
    else:
        for step in sorted(single, key=_is_plain_creation):
            for line in _lines(step, verbose=False):
                write(line)
    for group, steps in whole.items():
        sign, said = steps[0].action.sign, _counted(steps)
        write(f"{sign:>3} {heading(group, purposes, said)}")
    if plan.changes:
        write("")
    write(f"{summary(plan)}{'; `-v` shows each resource' if whole else ''}")


def _made_or_deleted(plan: Plan) -> dict[str, list[Step]]:
    """Return the steps that a line for their group is enough for.

    These are the groups that come or go, with what is made, or deleted without loss; what other
    stacks share may be there before, and stay.
    """
    whole: dict[str, list[Step]] = {}
    for group, steps in grouped(plan.steps, _group_in(plan)).items():
        alone = [step for step in steps if _is_plain(step)]
        stays = len(steps) - len(alone)
        if len(alone) > stays and len({step.action for step in alone}) == 1:
            whole[group] = alone
    return whole


def _is_plain(step: Step) -> bool:
    """Whether a step makes or deletes something, and there is no more to be said of it."""
    if step.action is Action.DELETE:
        return not (step.remark or step.loses_data or step.ends or step.loosens)
    return step.action is Action.CREATE and not (step.loosens or step.notes)


def _is_plain_creation(step: Step) -> bool:
    return _is_plain(step) and step.action is Action.CREATE


def _write_groups(
    plan: Plan, steps: Iterable[Step], write: Callable[[str], None], purposes: Mapping[str, str]
) -> None:
    for group, members in grouped(steps, _group_in(plan)).items():
        shown = [line for step in members for line in _lines(step, verbose=True)]
        if shown:
            write(heading(group, purposes))
        for line in shown:
            write(line)


def _group_in(plan: Plan) -> Callable[[Step], str]:
    return lambda step: plan.group_of(step.address).value


def _counted(steps: Sequence[Step]) -> str:
    return f"{len(steps)} {_WORDS[steps[0].action][0]}"


def summary(plan: Plan, *, done: bool = False) -> str:
    """Return the sum in one line: `3 to create, 1 to update`, or `no changes`.

    With `done` it is in the past: `3 created, 1 updated`.
    """
    counts = {action: plan.count(action) for action in _WORDS}
    parts = [f"{count} {_WORDS[action][done]}" for action, count in counts.items() if count]
    adopted = sum(step.adopted for step in plan.steps)
    if adopted:
        parts.append(f"{adopted} found and adopted")
    return ", ".join(parts) or "no changes"


def as_json(plan: Plan) -> dict[str, Any]:
    """Return the plan as data: every step with its action, changes and reasons."""
    return {
        "changes": len(plan.changes),
        "steps": [_step_as_json(step, plan.group_of(step.address)) for step in plan.steps],
    }


def _step_as_json(step: Step, group: str) -> dict[str, Any]:
    return {
        "group": str(group),
        "action": step.action.name.lower().replace("_", "-"),
        "address": step.address,
        "name": step.name,
        "adopted": step.adopted,
        "loses_data": step.loses_data,
        "ends": step.ends,
        "loosens": list(step.loosens),
        "kept_because": step.kept_because,
        "forced_by": list(step.forced_by),
        "changes": [_change_as_json(change) for change in step.changes],
        "notes": list(step.notes),
    }


def _change_as_json(change: Change) -> dict[str, Any]:
    return {
        "path": change.path,
        "old": change.old,
        "new": change.new if change.known else None,
        "known": change.known,
        "comes_from": change.comes_from,
    }


def _lines(step: Step, *, verbose: bool) -> Iterator[str]:
    named = f"{step.address}  {step.name}{_remark(step)}"
    if step.mutates or step.action is Action.KEEP:
        yield f"{step.action.sign:>3} {named}"
        if verbose or step.action in {Action.UPDATE, Action.REPLACE}:
            yield from _changes(step)
    elif step.adopted or step.notes or (verbose and step.remark):
        yield f"    {named}"
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


def _changes(step: Step) -> Iterator[str]:
    for change in step.changes:
        if step.action is Action.CREATE:
            if change.new is not None:  # what is not set is not removed either
                yield f"      {change.path}: {_cut(_new(change))}"
            continue
        old = "not set" if change.old is None else _text(change.old)
        forces = "  (forces replacement)" if change.path in step.forced_by else ""
        yield f"      {change.path}: {old} -> {_new(change)}{forces}"


def _new(change: Change) -> str:
    """Return the new value; of what is known after up, whose output it will be."""
    if change.new is None:
        return "removed"
    if change.comes_from:
        return f"known after up ({change.comes_from})"
    return _text(change.new)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
