"""Take the stack down from the state alone, dependents first.

Needs neither config.yaml nor the stack: every record has its kind, its outputs and its
dependencies. What holds the user's data is kept unless the data is to be deleted as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from batchctl.aws.batched_reads import BatchedRead
from batchctl.aws.session import Aws
from batchctl.engine.delete import Known, delete_records
from batchctl.engine.deletions import (
    all_keyed,
    deletion_or_keep,
    keyed,
    physical_id,
    without_data,
)
from batchctl.engine.events import Emit, Skipped
from batchctl.engine.graph import graph_of_records, groups_of
from batchctl.engine.kinds import kind_of, outputs_of
from batchctl.engine.ownership import Found
from batchctl.engine.plan import OnWait, Plan, ignore_waits, with_progress
from batchctl.engine.state import StateFile, StateRecord
from batchctl.engine.steps import Step
from batchctl.engine.walk import INTERRUPTED, OVER, WalkOutcome, walk


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

    reading = _with_batched_reads(aws, records.values())

    def plan_one(key: str) -> None:
        reporting_aws = with_progress(reading, records[key].address, on_wait)
        step, found[key] = deletion_or_keep(records[key], state.state, reporting_aws)
        steps[key] = step if delete_data else without_data(step)

    nodes = dict.fromkeys(records, frozenset[str]())
    outcome = walk(nodes, plan_one, aws.clock.stop, aws.clock.workers)
    return Plan(
        tuple(steps[key] for key in records if key in steps),
        outcome=outcome,
        found=found,
        read_at=started,
        groups=groups_of(graph_of_records(records.values())),
    )


def _with_batched_reads(aws: Aws, records: Iterable[StateRecord]) -> Aws:
    """Return `aws` with what is recorded, so that one call can read the tags of several."""
    names: dict[BatchedRead, list[str]] = {}
    for record in records:
        outputs = outputs_of(record)
        for batched in kind_of(record).batched_reads if outputs else ():
            names.setdefault(batched, []).append(getattr(outputs, batched.of))
    return aws.with_batched_reads(names, tags_alone=True) if names else aws


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
