"""The plan: one Step for every resource, decided from what is desired, recorded and actual.

`decision.decide` alone decides what is done; `plan` shows its steps, and `up` calls it again just
before each step, with the real outputs of the steps before.
"""

from __future__ import annotations

import dataclasses
import math
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from batchctl.aws.batched_reads import BatchedRead
from batchctl.aws.errors import is_refused
from batchctl.aws.session import Aws
from batchctl.engine.action import Action
from batchctl.engine.decision import decide
from batchctl.engine.deletions import (
    deletion_or_keep,
    keyed,
    orphans_of,
    with_work_kept,
    without_data,
)
from batchctl.engine.generations import (
    NONE_FOUND,
    Generations,
    all_of,
    at_generations,
    find_generations,
    unrecorded_kinds,
)
from batchctl.engine.graph import Group, graph_of, graph_of_records, groups_of
from batchctl.engine.kinds import outputs_of
from batchctl.engine.ownership import Found
from batchctl.engine.reading import read
from batchctl.engine.state import State, StateRecord
from batchctl.engine.steps import Step
from batchctl.engine.walk import WalkOutcome, walk
from batchctl.resource import Actual, Deployed, Outputs, Properties, Resource, is_unknown

__all__ = ["Action", "Plan", "Step", "decide", "make_plan"]
OnWait = Callable[[str, str], None]
"""Called with an address and what reading it waits for."""


@dataclass(frozen=True)
class Plan:
    """Every step in dependency order, and what was read for it."""

    steps: tuple[Step, ...]
    actual: Mapping[str, Actual[Any] | None] = field(default_factory=dict)
    outcome: WalkOutcome = field(default_factory=WalkOutcome)
    # What was found of recorded resources that are to be deleted, and since when all is known.
    found: Mapping[str, Found] = field(default_factory=dict)
    read_at: float = -math.inf
    # Successors that no record knows of.
    generations: Generations = NONE_FOUND
    # What each address is for.
    groups: Mapping[str, Group] = field(default_factory=dict)
    # What these credentials may not read, where the rest was to be read all the same.
    refused: Mapping[str, ClientError] = field(default_factory=dict)

    @property
    def changes(self) -> tuple[Step, ...]:
        """The steps that change something."""
        return tuple(step for step in self.steps if step.mutates)

    @property
    def loosens(self) -> tuple[str, ...]:
        """What the steps let in, or no longer log, a sentence each."""
        return tuple(dict.fromkeys(each for step in self.changes for each in step.loosens))

    def group_of(self, address: str) -> Group:
        """Return what a resource of the plan is for."""
        return self.groups.get(address, Group.OTHER)

    def count(self, action: Action) -> int:
        """Count the steps with that action."""
        return sum(step.action is action for step in self.steps)


def ignore_waits(address: str, what: str) -> None:
    """Drop a report of what is waited for."""
    del address, what


def make_plan(
    stack: Sequence[Resource[Any]],
    state: State,
    aws: Aws,
    on_wait: OnWait = ignore_waits,
    *,
    shows_rest: bool = False,
) -> Plan:
    """Return what `up` would do, from reads alone; failed reads are in `outcome.failed`.

    `stack` is every resource in an order in which dependencies come first (as `build` makes it).
    With `shows_rest` a read that is refused hides nothing but itself; such a plan is to be shown,
    not carried out.
    """
    started = aws.clock.now()
    planner = _Planner(at_generations(stack, state), state, aws, on_wait)
    planner.shows_rest = shows_rest
    planner.read_ahead()
    outcome = walk(graph_of(stack), planner.plan_one, aws.clock.stop, aws.clock.workers)
    orphans = orphans_of(stack, state)
    deletions, outcome_of_deletions = planner.plan_deletions(orphans)
    steps = [planner.steps[r.address] for r in stack if r.address in planner.steps]
    return Plan(
        (*steps, *deletions),
        planner.actual,
        outcome.and_of(outcome_of_deletions),
        read_at=started,
        generations=planner.generations,
        groups=groups_of(graph_of_records(orphans) | graph_of(stack)),
        refused=planner.refused,
    )


def with_progress(aws: Aws, address: str, on_wait: OnWait) -> Aws:
    """Return `aws`, reporting what it waits for to `on_wait` under `address`."""
    return aws.reporting_to(partial(on_wait, address))


class _Planner:
    """Reads, decides in the order of the graph, and passes on outputs or placeholders."""

    def __init__(
        self, stack: Sequence[Resource[Any]], state: State, aws: Aws, on_wait: OnWait
    ) -> None:
        self._stack = {resource.address: resource for resource in stack}
        self._state = state
        self._aws = aws
        self._on_wait = on_wait
        self._deployed = Deployed(aws)
        self._lock = threading.Lock()
        self._ahead = WalkOutcome()
        self.generations = NONE_FOUND
        self.shows_rest = False
        self.refused: dict[str, ClientError] = {}
        self.steps: dict[str, Step] = {}
        self.actual: dict[str, Actual[Any] | None] = {}

    def read_ahead(self) -> None:
        """Read in parallel everything that can be found without knowing its dependencies.

        That is what is recorded, and what has an identity of its own; the rest is read in turn.
        """
        wanted = dict(sorted(self._known_ahead(), key=self._longest_first))
        aws = self._with_batched_reads()
        unrecorded = unrecorded_kinds(tuple(self._stack.values()), self._state)
        found: list[Generations] = []

        def read_one(address: str) -> None:
            if address in unrecorded:
                found.append(find_generations(unrecorded[address], aws))
                return
            record = self._state.resources.get(address)
            reporting_aws = with_progress(aws, address, self._on_wait)
            actual = observe(self._stack[address], record, wanted[address], reporting_aws)
            with self._lock:
                self.actual[address] = actual

        nodes = dict.fromkeys((*wanted, *unrecorded), frozenset[str]())
        clock = self._aws.clock
        self._ahead = walk(nodes, read_one, clock.stop, clock.workers)
        self._use_generations(all_of(found))

    def _use_generations(self, found: Generations) -> None:
        """Go on with the successors that were found; what was read of the first is dropped."""
        self.generations = found
        stack = at_generations(tuple(self._stack.values()), self._state, found)
        self._stack = {resource.address: resource for resource in stack}
        for address in found.last:
            self.actual.pop(address, None)

    def _longest_first(self, known: tuple[str, Properties]) -> int:
        """Order reads: making a service's client takes time, so long reads start first."""
        return -self._stack[known[0]].calls_to_read

    def _with_batched_reads(self) -> Aws:
        """Return `aws` with the recorded names, so that one call can read several resources."""
        names: dict[BatchedRead, list[str]] = {}
        for address, resource in self._stack.items():
            outputs = _outputs_in(self._state.resources.get(address))
            for batched in resource.batched_reads if outputs else ():
                names.setdefault(batched, []).append(getattr(outputs, batched.of))
        return self._aws.with_batched_reads(names) if names else self._aws

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

    def plan_deletions(
        self, orphans: Sequence[StateRecord]
    ) -> tuple[tuple[Step, ...], WalkOutcome]:
        """Return the steps for what is no longer wanted, and what could not be read of it."""
        found = self.generations.deposed
        deposed = (*self._state.deposed, *found)
        records = keyed((*orphans, *found), deposed)
        steps: dict[str, Step] = {}

        def plan_deletion(key: str) -> None:
            aws = with_progress(self._aws, records[key].address, self._on_wait)
            try:
                step = deletion_or_keep(records[key], self._state, aws)[0]
            except ClientError as error:
                self._hide(records[key].address, error)
                return
            # Of a replacement that loses data the user is asked; an orphan takes none along.
            steps[key] = step if records[key] in deposed else without_data(step)

        nodes, clock = dict.fromkeys(records, frozenset[str]()), self._aws.clock
        outcome = walk(nodes, plan_deletion, clock.stop, clock.workers)
        in_order = {key: steps[key] for key in records if key in steps}
        return with_work_kept(in_order, records, deposed), outcome

    def _hide(self, address: str, error: ClientError) -> None:
        """Leave out what may not be read; any other error is raised, as all are of an `up`."""
        if not self.shows_rest or not is_refused(error):
            raise error
        self.refused[address] = error

    def plan_one(self, address: str) -> None:
        resource = self._stack[address]
        record = self._state.resources.get(address)
        desired = resource.desired(self._deployed)
        try:
            actual = self._observed(address, record, desired)
        except ClientError as error:
            self._hide(address, error)
            if outputs := _outputs_in(record):
                self._deployed.add(resource, outputs)
            return
        step = decide(resource, record, actual, desired, self._aws.tags)
        if self.refused:  # what depends on an unknown value is compared in all else
            step = _as_far_as_known(step)
        if step.action is Action.REPLACE and resource.holds_data:
            aws = with_progress(self._aws, address, self._on_wait)
            loses = _stored(resource, actual, aws) or step.loses_data
            step = dataclasses.replace(step, loses_data=loses)
        with self._lock:
            self.steps[address] = step
            self.actual[address] = actual
            if actual is not None and not _changes_outputs(resource, step):
                self._deployed.add(resource, actual.outputs)

    def _observed(
        self, address: str, record: StateRecord | None, desired: Properties
    ) -> Actual[Any] | None:
        """Return what was read ahead or raise that read's error; read now if it wasn't."""
        if self._ahead.ended_by:
            raise self._ahead.ended_by
        if address.partition(".")[0] in self._ahead.failed:  # the search for its successors
            raise self._ahead.failed[address.partition(".")[0]]
        if address in self._ahead.failed:
            raise self._ahead.failed[address]
        if address in self.actual:
            return self.actual[address]
        aws = with_progress(self._aws, address, self._on_wait)
        return observe(self._stack[address], record, desired, aws)


def _as_far_as_known(step: Step) -> Step:
    """Return a step without the differences whose values nobody knows."""
    changes = tuple(each for each in step.changes if each.known)
    if step.action is not Action.UPDATE or changes:
        return dataclasses.replace(step, changes=changes)
    return dataclasses.replace(step, action=Action.NO_OP, changes=(), loosens=())


def _changes_outputs(resource: Resource[Any], step: Step) -> bool:
    """Whether the step gives the resource other outputs."""
    changed = {change.top for change in step.changes}
    return step.action is Action.REPLACE or not changed.isdisjoint(resource.changes_outputs)


def _recorded(resources: Iterable[Resource[Any]], state: State, aws: Aws) -> Deployed:
    """Return the recorded outputs as what is deployed."""
    recorded = Deployed(aws)
    for resource in resources:
        outputs = _outputs_in(state.resources.get(resource.address))
        if outputs is not None:
            recorded.add(resource, outputs)
    return recorded


def _outputs_in(record: StateRecord | None) -> Outputs | None:
    return outputs_of(record) if record else None


def _identity(resource: Resource[Any], desired: Properties) -> Properties:
    return {key: desired.get(key) for key in resource.identity}


def observe(
    resource: Resource[Any], record: StateRecord | None, desired: Properties, aws: Aws
) -> Actual[Any] | None:
    """Read a resource from AWS; None, without a call, when its identity isn't known yet."""
    recorded = _outputs_in(record)
    if recorded is None and is_unknown(_identity(resource, desired)):
        return None
    actual = read(resource, aws, recorded, desired)
    if actual is None and recorded is not None and not is_unknown(_identity(resource, desired)):
        # AWS may not show an id for once: what has its name and our mark is it.
        return read(resource, aws, None, desired)
    return actual


def _stored(resource: Resource[Any], actual: Actual[Any] | None, aws: Aws) -> str | None:
    return resource.stored(aws, actual.outputs) if actual else None
