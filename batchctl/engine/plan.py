"""The plan: for every resource one Step, decided from what we want, what is recorded and what is.

`decide` is the only place that says what is to be done; `plan` shows its answers, and `up` asks it
again just before each step, with the real outputs of what came before.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from batchctl.aws.session import Aws
from batchctl.aws.together import Together
from batchctl.engine.difference import Change, attributes, difference
from batchctl.engine.state import Record, State
from batchctl.engine.walk import Outcome, walk
from batchctl.resource import Actual, Deployed, Outputs, Properties, Resource, is_unknown


class Action(Enum):
    """What is done with a resource, with the sign that the plan prints."""

    NO_OP = " "
    CREATE = "+"
    UPDATE = "~"
    REPLACE = "-/+"
    DELETE = "-"
    KEEP = "="


@dataclass(frozen=True)
class Step:
    """What is to be done with one resource, and why."""

    action: Action
    address: str
    name: str
    changes: tuple[Change, ...] = ()
    forced_by: tuple[str, ...] = ()
    adopted: bool = False
    loses_data: str | None = None
    ends: str | None = None
    kept_because: str | None = None
    notes: tuple[str, ...] = ()
    remark: str = ""

    @property
    def mutates(self) -> bool:
        """Whether carrying it out changes anything in AWS."""
        return self.action not in {Action.NO_OP, Action.KEEP}


@dataclass(frozen=True)
class Plan:
    """Every step in dependency order, and what was read on the way."""

    steps: tuple[Step, ...]
    actual: Mapping[str, Actual[Any] | None] = field(default_factory=dict)
    outcome: Outcome = field(default_factory=Outcome)

    @property
    def changes(self) -> tuple[Step, ...]:
        """The steps that change something."""
        return tuple(step for step in self.steps if step.mutates)

    def count(self, action: Action) -> int:
        """How many steps have that action."""
        return sum(step.action is action for step in self.steps)


def make_plan(stack: Sequence[Resource[Any]], state: State, aws: Aws) -> Plan:
    """Return what `up` would do, from reading only; reads that fail are in `outcome.failed`.

    `stack` is every resource in an order in which dependencies come first (as `build` makes it).
    """
    planner = _Planner(at_recorded_generation(stack, state), state, aws)
    planner.read_ahead()
    outcome = walk(graph_of(stack), planner.plan_one, aws.clock.stop)
    deletions = [deletion_or_keep(record, aws) for record in leftovers(stack, state)]
    steps = [planner.steps[r.address] for r in stack if r.address in planner.steps]
    return Plan((*steps, *deletions), planner.actual, outcome)


class _Planner:
    """Reads, decides in the order of the graph, and hands outputs or placeholders on."""

    def __init__(self, stack: Sequence[Resource[Any]], state: State, aws: Aws) -> None:
        self._stack = {resource.address: resource for resource in stack}
        self._state = state
        self._aws = aws
        self._deployed = Deployed(aws)
        self._lock = threading.Lock()
        self._ahead = Outcome()
        self.steps: dict[str, Step] = {}
        self.actual: dict[str, Actual[Any] | None] = {}

    def read_ahead(self) -> None:
        """Read all at once what is found without knowing its dependencies.

        That is what is recorded, and what has an identity of its own; the rest is read in turn.
        """
        wanted = dict(self._known_ahead())
        aws = self._asking_together()

        def read_one(address: str) -> None:
            record = self._state.resources.get(address)
            actual = observe(self._stack[address], record, wanted[address], aws)
            with self._lock:
                self.actual[address] = actual

        self._ahead = walk(dict.fromkeys(wanted, frozenset()), read_one, self._aws.clock.stop)

    def _asking_together(self) -> Aws:
        """Return the account with what is recorded made known, to be asked for in fewer calls."""
        names: dict[Together, list[str]] = {}
        for address, resource in self._stack.items():
            outputs = _outputs_in(self._state.resources.get(address))
            for together in resource.together if outputs else ():
                names.setdefault(together, []).append(getattr(outputs, together.of))
        return self._aws.asking_together(names) if names else self._aws

    def _known_ahead(self) -> Iterator[tuple[str, Properties]]:
        """Yield address and desired properties of what can be read before its dependencies."""
        nothing = Deployed(self._aws)
        recorded = _recorded(self._stack.values(), self._state, self._aws)
        for address, resource in self._stack.items():
            if _outputs_in(self._state.resources.get(address)) is not None:
                yield address, resource.desired(recorded)
                continue
            desired = resource.desired(nothing)
            if not is_unknown(_identity(resource, desired)):
                yield address, desired

    def plan_one(self, address: str) -> None:
        resource = self._stack[address]
        record = self._state.resources.get(address)
        desired = resource.desired(self._deployed)
        actual = self._observed(address, record, desired)
        step = decide(resource, record, actual, desired, self._aws.tags)
        if step.action is Action.REPLACE and resource.holds_data:
            step = dataclasses.replace(step, loses_data=_stored(resource, actual, self._aws))
        with self._lock:
            self.steps[address] = step
            self.actual[address] = actual
            if actual is not None and not _renews(resource, step):
                self._deployed.add(resource, actual.outputs)

    def _observed(
        self, address: str, record: Record | None, desired: Properties
    ) -> Actual[Any] | None:
        """Return what was read ahead, raise the error that it met, or else read now."""
        if self._ahead.ended_by:
            raise self._ahead.ended_by
        if address in self._ahead.failed:
            raise self._ahead.failed[address]
        if address in self.actual:
            return self.actual[address]
        return observe(self._stack[address], record, desired, self._aws)


def _renews(resource: Resource[Any], step: Step) -> bool:
    """Whether its outputs are to be others when the step is done."""
    changed = {change.top for change in step.changes}
    return step.action is Action.REPLACE or not changed.isdisjoint(resource.renewing)


def _recorded(resources: Iterable[Resource[Any]], state: State, aws: Aws) -> Deployed:
    """Return the recorded outputs as what is deployed."""
    recorded = Deployed(aws)
    for resource in resources:
        outputs = _outputs_in(state.resources.get(resource.address))
        if outputs is not None:
            recorded.add(resource, outputs)
    return recorded


def _outputs_in(record: Record | None) -> Outputs | None:
    return record.known_outputs() if record else None


def _identity(resource: Resource[Any], desired: Properties) -> Properties:
    return {key: desired.get(key) for key in resource.identity}


def observe(
    resource: Resource[Any], record: Record | None, desired: Properties, aws: Aws
) -> Actual[Any] | None:
    """Read what AWS has of a resource; None without a call when its identity isn't known yet."""
    recorded = _outputs_in(record)
    if recorded is None and is_unknown(_identity(resource, desired)):
        return None
    return resource.read(aws, recorded, desired)


def decide(
    resource: Resource[Any],
    record: Record | None,
    actual: Actual[Any] | None,
    desired: Properties,
    tags: Mapping[str, str],
) -> Step:
    """Return the step that brings `actual` to `desired`. Pure: makes no call."""
    remark = resource.when_made
    step = Step(Action.NO_OP, resource.address, resource.physical_name, remark=remark)
    if actual is None:
        if resource.lookup:
            return step
        return dataclasses.replace(step, action=Action.CREATE, changes=attributes(desired))
    step = dataclasses.replace(
        step,
        notes=actual.notes,
        adopted=not resource.lookup and not resource.shared and _unrecorded(record),
        changes=(
            *_differing(desired, actual),
            *_tag_changes(resource, record, actual, tags),
        ),
    )
    forced_by = _forcing(resource, step.changes)
    if forced_by:
        return dataclasses.replace(step, action=Action.REPLACE, forced_by=forced_by)
    if step.changes:
        return dataclasses.replace(step, action=Action.UPDATE)
    return dataclasses.replace(step, remark="unchanged" if remark else "")


def _differing(desired: Properties, actual: Actual[Any]) -> tuple[Change, ...]:
    decided = {key: value for key, value in desired.items() if key not in actual.undecided}
    return difference(decided, actual.properties)


def _unrecorded(record: Record | None) -> bool:
    return record is None or record.outputs is None


def _forcing(resource: Resource[Any], changes: Iterable[Change]) -> tuple[str, ...]:
    fixed = (*resource.identity, *resource.immutable)
    return tuple(each.path for each in changes if each.path in fixed or each.top in fixed)


def _tag_changes(
    resource: Resource[Any],
    record: Record | None,
    actual: Actual[Any],
    tags: Mapping[str, str],
) -> tuple[Change, ...]:
    """Return what differs in our own tags; tags set by others are theirs."""
    if not resource.taggable or resource.lookup or resource.shared:
        return ()
    ours = dict.fromkeys((*tags, *(record.tag_keys if record else ())))
    return tuple(
        Change(f"tags.{key}", actual.tags.get(key), tags.get(key))
        for key in ours
        if actual.tags.get(key) != tags.get(key)
    )


def _stored(resource: Resource[Any], actual: Actual[Any] | None, aws: Aws) -> str | None:
    return resource.stored(aws, actual.outputs) if actual else None


def leftovers(stack: Sequence[Resource[Any]], state: State) -> tuple[Record, ...]:
    """Return what is recorded but no longer wanted: orphans and retired predecessors."""
    wanted = {resource.address for resource in stack}
    orphans = (r for address, r in state.resources.items() if address not in wanted)
    return (*orphans, *state.retired)


def deletion_or_keep(record: Record, aws: Aws) -> Step:
    """Return the step for what is no longer wanted: what others share is kept, and forgotten."""
    step = planned_deletion(record, aws)
    if not record.resource_kind.shared:
        return step
    because = "other stacks of the account may use it"
    return dataclasses.replace(step, action=Action.KEEP, loses_data=None, kept_because=because)


def planned_deletion(record: Record, aws: Aws) -> Step:
    """Return the step that deletes a recorded resource, saying what data and what work it ends."""
    outputs = record.known_outputs()
    kind = record.resource_kind
    step = Step(Action.DELETE, record.address, physical_id(record), remark=kind.when_deleted)
    if outputs is None:
        return step
    loses = kind.stored(aws, outputs) if kind.holds_data else None
    return dataclasses.replace(step, loses_data=loses, ends=kind.running(aws, outputs))


def physical_id(record: Record) -> str:
    """Return the recorded id, or for an intent the identity by which it would be found."""
    outputs: Outputs | None = record.known_outputs()
    if outputs is not None:
        return outputs.id
    return ", ".join(str(value) for value in record.identity.values())


def graph_of(stack: Sequence[Resource[Any]]) -> dict[str, set[str]]:
    """Return for each address the addresses of its dependencies."""
    return {r.address: {each.address for each in r.dependencies} for r in stack}


def at_recorded_generation(
    stack: Sequence[Resource[Any]], state: State
) -> tuple[Resource[Any], ...]:
    """Return the stack with each resource at the generation that the state says lives now."""
    return tuple(
        dataclasses.replace(resource, generation=record.generation)
        if (record := state.resources.get(resource.address)) and record.generation > 1
        else resource
        for resource in stack
    )
