"""Take the stack down from the state alone, dependents first.

Needs neither config.yaml nor the stack: every record has its kind, its outputs and its
dependencies. What holds the user's data is kept unless the data is to be deleted as well.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from botocore.exceptions import BotoCoreError, ClientError

from batchctl.aws.clock import Clock
from batchctl.aws.session import Aws
from batchctl.engine.action import Action
from batchctl.engine.deletions import (
    all_keyed,
    deletion_or_keep,
    goes_on,
    keyed,
    needs,
    needs_until_gone,
    physical_id,
)
from batchctl.engine.events import Emit, Failed, Finished, Kept, Skipped, Started, Waiting
from batchctl.engine.kinds import kind_of
from batchctl.engine.ownership import FRESH_S, Found, find_owned
from batchctl.engine.plan import OnWait, Plan, ignore_waits, with_progress
from batchctl.engine.state import StateFile, StateRecord
from batchctl.engine.steps import Step
from batchctl.engine.walk import INTERRUPTED, OVER, WalkOutcome, walk
from batchctl.errors import BatchctlError, Interrupted, RunOver


def plan_destroy(
    state: StateFile, aws: Aws, *, delete_data: bool, on_wait: OnWait = ignore_waits
) -> Plan:
    """Return a DELETE for everything recorded, a KEEP for what stays.

    What isn't ours stays, whatever the state says; what holds data stays unless `delete_data`; what
    other stacks share stays in any case. What could not be read is in the outcome, and has no step.
    """
    records = all_keyed(state.state)
    steps: dict[str, Step] = {}
    found: dict[str, Found] = {}
    started = aws.clock.now()

    def plan_one(key: str) -> None:
        reporting_aws = with_progress(aws, records[key].address, on_wait)
        step, found[key] = deletion_or_keep(records[key], state.state, reporting_aws)
        steps[key] = _without_data(step, delete_data)

    nodes = dict.fromkeys(records, frozenset[str]())
    outcome = walk(nodes, plan_one, aws.clock.stop, aws.clock.workers)
    return Plan(
        tuple(steps[key] for key in records if key in steps),
        outcome=outcome,
        found=found,
        read_at=started,
    )


def _without_data(step: Step, delete_data: bool) -> Step:
    """Return the step, or a KEEP where the data may not be deleted."""
    if delete_data or not step.loses_data:
        return step
    because = f"it holds {step.loses_data}"
    return dataclasses.replace(
        step, action=Action.KEEP, loses_data=None, ends=None, kept_because=because
    )


def destroy(plan: Plan, state: StateFile, aws: Aws, emit: Emit) -> WalkOutcome:
    """Delete what the plan says; errors are in the outcome, deletions in the state."""
    known = Known(plan.found, plan.read_at)
    outcome = delete_records(_doomed(plan, state), state, aws, emit, known)
    for address, because in outcome.skipped.items():
        emit(Skipped(address, because))
    _forget_shared(state)
    state.discard()
    return outcome


def _doomed(plan: Plan, state: StateFile) -> list[StateRecord]:
    """Return the records that the plan deletes or forgets.

    A resource and its predecessor share an address: of the two, one may stay.
    """
    steps = {(each.address, each.name) for each in plan.steps if each.mutates or each.forgets}
    records = (*state.state.resources.values(), *state.state.deposed)
    return [each for each in records if (each.address, physical_id(each)) in steps]


@dataclass(frozen=True)
class Remaining:
    """A resource that `destroy` did not delete: why, and what it costs while it exists."""

    address: str
    name: str
    why: str
    cost: str


def remaining_after(plan: Plan, outcome: WalkOutcome, state: StateFile) -> tuple[Remaining, ...]:
    """Return what is still recorded of what the plan was to delete, after `destroy`."""
    return tuple(
        Remaining(key, physical_id(record), _reason(key, outcome), kind_of(record).cost)
        for key, record in keyed(_doomed(plan, state), state.state.deposed).items()
    )


def _reason(key: str, outcome: WalkOutcome) -> str:
    if key in outcome.failed:
        return "failed"
    because = outcome.skipped.get(key, INTERRUPTED)
    return because if because in {INTERRUPTED, *OVER} else f"waits for {because}"


def _forget_shared(state: StateFile) -> None:
    """Remove shared resources from the state once nothing of the stack uses them."""
    records = state.state.resources.values()
    if all(kind_of(r).shared or kind_of(r).holds_data for r in records):
        for record in [r for r in records if kind_of(r).shared]:
            state.remove(record.address)


@dataclass(frozen=True)
class Known:
    """What a plan found of records, by their keys, and when it was read."""

    found: Mapping[str, Found] = field(default_factory=dict)
    read_at: float = -math.inf

    def fresh(self, key: str, aws: Aws) -> Found | None:
        """Return what is known of a record, unless it was read too long ago."""
        if aws.clock.now() - self.read_at > FRESH_S:
            return None
        return self.found.get(key)


NOTHING_KNOWN = Known()


def delete_records(  # noqa: PLR0913 - as `_delete`, and what ends
    records: Sequence[StateRecord],
    state: StateFile,
    aws: Aws,
    emit: Emit,
    known: Known = NOTHING_KNOWN,
    *,
    ends_work: bool = True,
) -> WalkOutcome:
    """Delete recorded resources that are ours, each after its dependents and the entry points.

    What isn't ours is kept and forgotten. `known` is what a plan has just found of them. Unless
    that `ends_work`, a predecessor in which work goes on stays, with all that it needs.
    """
    by_key = keyed(records, state.state.deposed)
    dependents = _reversed_graph(by_key)
    kept: dict[str, str] = {}

    def delete_one(key: str) -> None:
        record = by_key[key]
        because = next((needs(by_key[each].address) for each in dependents[key] & kept.keys()), "")
        if because:
            emit(Kept(_step(record), because))
        else:
            fresh = known.fresh(key, aws)
            because = _delete(record, fresh, state, aws, emit, ends_work=ends_work)
        if because:
            kept[key] = because

    def disable_one(key: str) -> None:
        if ends_work:
            _disable(by_key[key], known.fresh(key, aws), state, aws)

    graph = _entry_points_first(dependents, by_key)
    return _walk_disabling(graph, by_key, delete_one, disable_one, aws.clock)


def _walk_disabling(
    graph: Mapping[str, AbstractSet[str]],
    by_key: Mapping[str, StateRecord],
    delete_one: Callable[[str], None],
    disable_one: Callable[[str], None],
    clock: Clock,
) -> WalkOutcome:
    """Walk the graph, and disable at once what can be; each is deleted after that."""
    keys = {f"{key} (disabling)": key for key in graph if kind_of(by_key[key]).disabled_ahead}
    ahead = {key: disabling for disabling, key in keys.items()}
    nodes: dict[str, AbstractSet[str]] = {disabling: frozenset() for disabling in keys}
    for key, before in graph.items():
        nodes[key] = before | {ahead[key]} if key in ahead else before

    def work(node: str) -> None:
        if node in keys:
            disable_one(keys[node])
        else:
            delete_one(node)

    outcome = walk(nodes, work, clock.stop, clock.workers)
    skipped = {key: because for key, because in outcome.skipped.items() if key not in keys}
    return dataclasses.replace(outcome, skipped=skipped)


def _disable(record: StateRecord, fresh: Found | None, state: StateFile, aws: Aws) -> None:
    """Disable a resource of ours ahead of its turn.

    What goes wrong now comes up again when its turn has come.
    """
    try:
        found = fresh or find_owned(record, aws, is_deposed=record in state.state.deposed)
        if found.outputs is not None:
            kind_of(record).disable(aws, found.outputs)
    except (Interrupted, RunOver):
        raise
    except (ClientError, BotoCoreError, BatchctlError):
        return


def _reversed_graph(by_key: Mapping[str, StateRecord]) -> dict[str, set[str]]:
    """Return for each record the records that need it until they are gone: they must go first."""
    return {
        key: {
            other_key
            for other_key, other in by_key.items()
            if needs_until_gone(other, record) and other_key != key
        }
        for key, record in by_key.items()
    }


def _entry_points_first(
    graph: Mapping[str, AbstractSet[str]], by_key: Mapping[str, StateRecord]
) -> dict[str, AbstractSet[str]]:
    """Return the graph with entry points first, so that no new work arrives during deletion."""
    entry_points = {key for key, record in by_key.items() if kind_of(record).entry_point}
    first = set(entry_points)
    while more := {before for key in first for before in graph[key]} - first:
        first |= more
    return {key: before if key in first else before | entry_points for key, before in graph.items()}


def _delete(  # noqa: PLR0913 - what is deleted, what is known of it, and who is notified
    record: StateRecord,
    fresh: Found | None,
    state: StateFile,
    aws: Aws,
    emit: Emit,
    *,
    ends_work: bool,
) -> str:
    """Delete a resource that is ours and forget it; or say why it stays."""
    if kind_of(record).shared or (fresh and fresh.foreign):
        _forget(record, state)
        return ""
    is_deposed = record in state.state.deposed
    kind, retires = kind_of(record), is_deposed and not ends_work
    step = _step(record)
    reporting = aws.reporting_to(lambda what: emit(Waiting(step, what)))
    started, work = aws.clock.now(), None
    emit(Started(step))
    try:
        found = fresh or find_owned(record, reporting, is_deposed=is_deposed)
        if found.outputs is not None and retires:
            work = kind.retire(reporting, found.outputs)
        elif found.outputs is not None:
            kind.delete(reporting, found.outputs)
    except (Interrupted, RunOver):
        raise
    except BaseException as error:
        emit(Failed(step, error))
        raise
    if work:
        emit(Kept(step, goes_on(work)))
        return goes_on(work)
    _forget(record, state)
    if found.foreign is not None:
        step = dataclasses.replace(step, action=Action.KEEP, kept_because=found.foreign)
    emit(Finished(step, aws.clock.now() - started))
    return ""


def _step(record: StateRecord) -> Step:
    return Step(Action.DELETE, record.address, physical_id(record))


def _forget(record: StateRecord, state: StateFile) -> None:
    if record in state.state.deposed:
        state.bury(record)
    else:
        state.remove(record.address)
