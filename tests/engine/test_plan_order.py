"""In which order a plan reads: at once what it can find, in turn what depends on what it finds."""

from __future__ import annotations

import dataclasses
import threading
from dataclasses import dataclass
from typing import Any, ClassVar

from cloud import Cloud, FakeAws, Thing

from batchctl.engine.apply import apply
from batchctl.engine.events import ignore
from batchctl.engine.plan import Action, make_plan
from batchctl.engine.state import StateFile
from batchctl.resource import Actual, Deployed, Outputs, Properties

TOGETHER_WITHIN_S = 10.0


@dataclass(frozen=True, kw_only=True)
class Child(Thing):
    """A thing that is found by what it hangs on: its name is its parent's with its own."""

    kind: ClassVar[str] = "child"

    def desired(self, deployed: Deployed) -> Properties:
        parent = deployed[self.needs[0]].id
        return {**super().desired(deployed), "Name": f"{parent}-{self.physical_name}"}


@dataclass(frozen=True, kw_only=True)
class Watched(Child):
    """A child that notes by which name it is asked for."""

    asked_for: ClassVar[list[str]] = []

    kind: ClassVar[str] = "watched"

    @classmethod
    def read(
        cls, aws: Any, recorded: Outputs | None, desired: Properties
    ) -> Actual[Outputs] | None:
        cls.asked_for.append(desired["Name"])
        return super().read(aws, recorded, desired)


base = Thing(label="base", name="app-base")
middle = Thing(label="middle", name="app-middle", needs=(base,))
leaf = Child(label="leaf", name="leaf", needs=(middle,))
STACK = (base, middle, leaf)


def up(aws: FakeAws, state: StateFile) -> None:
    assert apply(STACK, make_plan(STACK, state.state, aws), state, aws, ignore).succeeded


def test_what_is_recorded_is_read_at_once_however_deep_it_stands(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    up(aws, state)
    barrier = threading.Barrier(len(STACK), timeout=TOGETHER_WITHIN_S)

    def wait_for_the_others(_verb: str, _name: str) -> None:
        barrier.wait()

    cloud.before = wait_for_the_others
    plan = make_plan(STACK, state.state, aws)
    assert not plan.outcome.failed
    assert not plan.changes


def test_what_is_read_ahead_is_asked_for_by_what_is_recorded_of_its_dependency(
    aws: FakeAws, state: StateFile
) -> None:
    stack = (base, Watched(label="leaf", name="leaf", needs=(base,)))
    assert apply(stack, make_plan(stack, state.state, aws), state, aws, ignore).succeeded
    Watched.asked_for.clear()
    make_plan(stack, state.state, aws)
    assert Watched.asked_for == ["app-base-leaf"]


def test_what_is_found_by_its_dependency_is_read_after_it_and_only_when_that_exists(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    make_plan(STACK, state.state, aws)
    assert sorted(cloud.calls) == [("read", "app-base"), ("read", "app-middle")]
    up(aws, state)
    lost = StateFile(
        state.path.with_name("other.json"), dataclasses.replace(state.state, resources={})
    )
    cloud.calls.clear()
    plan = make_plan(STACK, lost.state, aws)
    assert [name for _, name in cloud.calls][-1] == "app-middle-leaf"
    assert all(step.adopted and step.action is Action.NO_OP for step in plan.steps)


def test_a_read_that_fails_ahead_is_reported_once_and_stops_its_dependents(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    up(aws, state)
    cloud.calls.clear()

    def fail(_verb: str, name: str) -> None:
        if name == "app-middle":
            raise PermissionError(name)

    cloud.before = fail
    plan = make_plan(STACK, state.state, aws)
    assert list(plan.outcome.failed) == ["thing.middle"]
    assert plan.outcome.skipped == {"child.leaf": "thing.middle"}
    assert ("read", "app-middle") not in cloud.calls
