"""Carry out a plan: ready resources in parallel, each recorded before and after its calls.

Each step is decided again just before it runs, from the real outputs of its dependencies and what
the plan has read; a resource is read again if a dependency was made since. Predecessors of replaced
resources and orphans are deleted at the end, when nothing refers to them any more; a predecessor
in which work goes on is deleted by a later run.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from batchctl.aws.errors import AmbiguousOutcome, is_existing
from batchctl.aws.session import Aws
from batchctl.engine.action import Action
from batchctl.engine.delete import delete_records
from batchctl.engine.deletions import orphans_of, physical_id
from batchctl.engine.difference import leaving
from batchctl.engine.events import Emit, Failed, Finished, Skipped, Started, Waiting
from batchctl.engine.generations import at_generations
from batchctl.engine.order import order_of_creation
from batchctl.engine.ownership import FRESH_S, SHOWN_WITHIN_S
from batchctl.engine.plan import Plan, decide, observe
from batchctl.engine.reading import read
from batchctl.engine.records import record_of
from batchctl.engine.state import StateFile, StateRecord
from batchctl.engine.steps import Step
from batchctl.engine.walk import WalkOutcome, walk
from batchctl.errors import Interrupted, RunOver
from batchctl.resource import Actual, Deployed, Outputs, Properties, Resource, require_owned

ADOPT_WITHIN_S = 60.0
# After a lost answer: when AWS is asked first for the effect of the call. What it doesn't show
# within SHOWN_WITHIN_S has had none: too early, what has no name of its own would be made twice.
FIRST_SHOWN_S = 2.0
# How often a resource is read and decided again.
MAX_REREADS = 3


@dataclass(frozen=True)
class Result:
    """The result of a run: the outcome of the walk, and the outputs of every existing resource."""

    outcome: WalkOutcome
    deployed: Deployed

    @property
    def succeeded(self) -> bool:
        """Whether every step was carried out."""
        return self.outcome.complete


def apply(
    stack: Sequence[Resource[Any]], plan: Plan, state: StateFile, aws: Aws, emit: Emit
) -> Result:
    """Bring AWS to what `stack` says; errors are in the result, successes in the state."""
    state.depose(plan.generations.deposed)
    applier = _Applier(at_generations(stack, state.state, plan.generations), plan, state, aws, emit)
    graph = order_of_creation(stack, applier.foresee())
    outcome = walk(graph, applier.apply_one, aws.clock.stop, aws.clock.workers)
    _report_skipped(outcome, emit)
    if outcome.complete:
        unwanted = _without_kept(orphans_of(stack, state.state), plan)
        outcome = delete_records(unwanted, state, aws, emit, ends_work=False)
        _report_skipped(outcome, emit)
    return Result(outcome, applier.deployed)


def _without_kept(orphans: Sequence[StateRecord], plan: Plan) -> list[StateRecord]:
    """Return the orphans but for those that the plan keeps for the data in them."""
    kept = {(step.address, step.name) for step in plan.steps if step.keeps_data}
    return [each for each in orphans if (each.address, physical_id(each)) not in kept]


def _report_skipped(outcome: WalkOutcome, emit: Emit) -> None:
    for address, because in outcome.skipped.items():
        emit(Skipped(address, because))


class _Applier:
    """One pass over the stack: decides just in time, acts, records."""

    def __init__(
        self,
        stack: Sequence[Resource[Any]],
        plan: Plan,
        state: StateFile,
        aws: Aws,
        emit: Emit,
    ) -> None:
        self._stack = {resource.address: resource for resource in stack}
        self._plan = plan
        self._state = state
        self._aws = aws
        self._emit = emit
        self._made: set[str] = set()
        self.deployed = Deployed(aws)

    def foresee(self) -> frozenset[str]:
        """Make known what new resources are going to be called; return their addresses.

        Only of those that the plan found missing: under the name that they have now, whereas a
        replacement gets another one.
        """
        found = set()
        for address, resource in self._stack.items():
            is_new = address in self._plan.actual and self._plan.actual[address] is None
            outputs = resource.foreseen(self.deployed) if is_new else None
            if outputs is not None:
                self.deployed.add(resource, outputs)
                found.add(address)
        return frozenset(found)

    def apply_one(self, address: str) -> None:
        """Carry out the step of one resource, and report its progress."""
        resource = self._stack[address]
        record = self._state.state.resources.get(address)
        desired = resource.desired(self.deployed)
        actual = self._actual(resource, record, desired)
        step = decide(resource, record, actual, desired, self._aws.tags)
        if step.action is Action.NO_OP:
            self._keep(resource, record, actual, desired)
            return
        aws = self._aws.reporting_to(lambda what: self._emit(Waiting(step, what)))
        started = aws.clock.now()
        self._emit(Started(step))
        try:
            outputs = self._carry_out(step, resource, actual, aws)
        except (Interrupted, RunOver):
            raise
        except BaseException as error:
            self._emit(Failed(step, error))
            raise
        self.deployed.add(resource, outputs)
        if step.action is not Action.UPDATE:
            self._made.add(address)
        self._emit(Finished(step, aws.clock.now() - started))

    def _actual(
        self, resource: Resource[Any], record: StateRecord | None, desired: Properties
    ) -> Actual[Any] | None:
        """Return what the plan read, or read again if a dependency was made since.

        Deleting a dependency can delete this resource too: a function's permissions go with it.
        """
        planned = self._plan.actual.get(resource.address)
        if planned is None or self._made.isdisjoint(each.address for each in resource.dependencies):
            return planned
        return observe(resource, record, desired, self._aws)

    def _keep(
        self,
        resource: Resource[Any],
        record: StateRecord | None,
        actual: Actual[Any] | None,
        desired: Properties,
    ) -> None:
        """Keep the resource unchanged; record it if it was found rather than known."""
        if actual is None:
            return
        self.deployed.add(resource, actual.outputs)
        if not resource.lookup:
            fresh = self._record(resource, desired, actual.outputs)
            if fresh != record:
                self._state.put(fresh)

    def _carry_out(
        self, step: Step, resource: Resource[Any], actual: Actual[Any] | None, aws: Aws
    ) -> Outputs:
        if step.action is Action.UPDATE and actual is not None:
            return self._update(step, resource, actual, aws)
        if step.action is not Action.REPLACE or actual is None:
            return self._create(resource, aws)
        if not resource.create_before_delete:
            self._require_owned_still(resource, actual.outputs, aws)
            resource.delete(aws, actual.outputs)
            self._state.remove(resource.address)
            return self._create(resource, aws)
        return self._succeed(resource, actual, aws)

    def _succeed(self, resource: Resource[Any], actual: Actual[Any], aws: Aws) -> Outputs:
        """Make a successor; the predecessor is deleted at the end of the run."""
        predecessor = self._predecessor(resource, actual)
        successor = dataclasses.replace(resource, generation=resource.generation + 1)
        intent = self._record(successor, successor.desired(self.deployed), None)
        self._state.supersede(predecessor, intent)
        return self._create(successor, aws)

    def _predecessor(self, resource: Resource[Any], actual: Actual[Any]) -> StateRecord:
        """Return the record of what is replaced: by its own identity, needing what it needed."""
        found = self._record(resource, actual.properties, actual.outputs)
        recorded = self._state.state.resources.get(resource.address)
        if recorded is None or not recorded.dependencies:
            return found
        return dataclasses.replace(found, dependencies=recorded.dependencies)

    def _create(self, resource: Resource[Any], aws: Aws, rereads: int = MAX_REREADS) -> Outputs:
        """Record the intent, then make the resource; one that already exists is adopted."""
        desired = resource.desired(self.deployed)
        if not resource.shared:
            self._state.put(self._record(resource, desired, None))
        try:
            outputs: Outputs = resource.create(aws, desired)
        except (ClientError, AmbiguousOutcome) as error:
            if not rereads or (isinstance(error, ClientError) and not is_existing(error)):
                raise
            return self._decide_again(resource, None, aws, error, rereads - 1)
        self._state.put(self._record(resource, desired, outputs))
        return outputs

    def _decide_again(
        self,
        resource: Resource[Any],
        known: Outputs | None,
        aws: Aws,
        error: ClientError | AmbiguousOutcome,
        rereads: int,
    ) -> Outputs:
        """Read, decide and act again: it already exists, or the answer to a call for it was lost.

        `rereads` is how often the resource can still be read and decided again.
        """
        desired = resource.desired(self.deployed)
        actual = self._seen(resource, known, aws, error)
        if actual is None:
            return self._create(resource, aws, rereads)
        record = self._record(resource, desired, actual.outputs)
        self._state.put(record)
        step = decide(resource, record, actual, desired, self._aws.tags)
        if step.action is Action.UPDATE:
            return self._update(step, resource, actual, aws, rereads)
        outputs: Outputs = actual.outputs
        return outputs

    def _seen(
        self,
        resource: Resource[Any],
        known: Outputs | None,
        aws: Aws,
        error: ClientError | AmbiguousOutcome,
    ) -> Actual[Any] | None:
        """Return what AWS has; what it says exists can take some seconds to be readable.

        None when the lost call had no effect. Raises `error` when AWS says that the resource exists
        but doesn't show it within ADOPT_WITHIN_S.
        """
        desired = resource.desired(self.deployed)
        lost = isinstance(error, AmbiguousOutcome)
        deadline = aws.clock.now() + (SHOWN_WITHIN_S if lost else ADOPT_WITHIN_S)
        if lost:
            aws.on_wait("AWS to show the effect of a call that it did not answer")
            aws.clock.pause(FIRST_SHOWN_S)
        while (actual := read(resource, aws, known, desired)) is None:
            if aws.clock.now() >= deadline:
                if lost:
                    return None
                raise error
            aws.on_wait("AWS to show what already exists")
            aws.clock.pause(1.0)
        return actual

    def _update(
        self,
        step: Step,
        resource: Resource[Any],
        actual: Actual[Any],
        aws: Aws,
        rereads: int = MAX_REREADS,
    ) -> Outputs:
        """Make the changes of the step; after a lost answer, those that are still missing."""
        self._record_new_needs(resource, actual)
        try:
            outputs = self._change(step, resource, actual, aws)
        except AmbiguousOutcome as error:
            if not rereads:
                raise
            return self._decide_again(resource, actual.outputs, aws, error, rereads - 1)
        desired = resource.desired(self.deployed)
        self._state.put(self._record(resource, desired, outputs))
        return outputs

    def _record_new_needs(self, resource: Resource[Any], actual: Actual[Any]) -> None:
        """Record what it is about to need as well: a `down` after a run that died deletes by it."""
        recorded = self._state.state.resources.get(resource.address)
        now = self._record(resource, resource.desired(self.deployed), actual.outputs)
        if recorded is None:
            self._state.put(now)
        elif not set(now.dependencies) <= set(recorded.dependencies):
            both = sorted({*recorded.dependencies, *now.dependencies})
            self._state.put(dataclasses.replace(recorded, dependencies=tuple(both)))

    def _change(
        self, step: Step, resource: Resource[Any], actual: Actual[Any], aws: Aws
    ) -> Outputs:
        self._require_owned_still(resource, actual.outputs, aws)
        desired = leaving(resource.desired(self.deployed), actual.properties, resource.leaves)
        changed_keys = {change.top for change in step.changes}
        changed = {key: value for key, value in desired.items() if key in changed_keys}
        outputs: Outputs = actual.outputs
        if changed:
            outputs = resource.update(aws, actual, desired, changed)
        if resource.taggable and any(each.path.startswith("tags.") for each in step.changes):
            removed = [
                change.path.removeprefix("tags.")
                for change in step.changes
                if change.path.startswith("tags.") and change.new is None
            ]
            resource.write_tags(aws, outputs, {**aws.tags, **resource.own_tags}, removed)
        return outputs

    def _require_owned_still(self, resource: Resource[Any], outputs: Outputs, aws: Aws) -> None:
        """Raise NotOwned when it became somebody else's while the user thought about the plan."""
        if resource.shared or aws.clock.now() - self._plan.read_at <= FRESH_S:
            return
        tags = resource.tags_of(aws, outputs)
        if tags is not None:
            require_owned(aws, f"`{outputs.id}`", tags)

    def _record(
        self, resource: Resource[Any], desired: Properties, outputs: Outputs | None
    ) -> StateRecord:
        return record_of(resource, desired, outputs, self._aws)
