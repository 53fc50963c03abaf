"""In which order `up` makes things: after what they need, not after what they only name."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from botocore.exceptions import ClientError
from cloud import Cloud, FakeAws, Gate, Thing
from examples_awslambda import package

from batchctl.config import Config
from batchctl.engine.apply import Result, apply
from batchctl.engine.events import ignore
from batchctl.engine.order import order_of_creation
from batchctl.engine.plan import make_plan
from batchctl.engine.state import StateFile
from batchctl.resource import Deployed, Outputs, Resource
from batchctl.stack import build


@dataclass(frozen=True, kw_only=True)
class Station(Thing):
    """A thing whose ARN follows from its name."""

    kind: ClassVar[str] = "station"

    def foreseen(self, deployed: Deployed) -> Outputs:
        del deployed
        return Outputs(id=self.physical_name, arn=f"arn:{self.physical_name}")


@dataclass(frozen=True, kw_only=True)
class Sign(Thing):
    """A thing that only names a station."""

    kind: ClassVar[str] = "sign"
    only_names: ClassVar[frozenset[str]] = frozenset({"station"})


station = Station(label="station", name="central")
sign = Sign(label="sign", name="sign", needs=(station,))
entrance = Gate(label="entrance", name="entrance", needs=(sign,))
STACK: tuple[Resource[Any], ...] = (station, sign, entrance)


def up(aws: FakeAws, state: StateFile, *stack: Resource[Any]) -> Result:
    return apply(stack, make_plan(stack, state.state, aws), state, aws, ignore)


def test_what_only_names_a_new_thing_is_made_beside_it_and_never_changed_after(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    assert up(aws, state, *STACK).succeeded
    assert cloud.things["sign"]["Needs"] == ["arn:central"]
    cloud.calls.clear()
    assert up(aws, state, *STACK).succeeded
    assert cloud.writes == []


def test_what_cannot_be_made_holds_up_what_lets_work_in_and_not_what_names_it(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    def refuse(verb: str, name: str) -> None:
        if (verb, name) == ("create", "central"):
            raise ClientError({"Error": {"Code": "Limit"}}, "CreateStation")

    cloud.before = refuse
    outcome = up(aws, state, *STACK).outcome
    assert set(outcome.failed) == {"station.station"}
    assert outcome.skipped == {"gate.entrance": "station.station"}
    assert cloud.things.keys() == {"sign"}


def test_the_name_of_a_replacement_is_not_foreseen(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    assert up(aws, state, *STACK).succeeded
    square = dataclasses.replace(station, shape="square")
    moved = dataclasses.replace(sign, needs=(square,))
    gate = dataclasses.replace(entrance, needs=(moved,))
    assert up(aws, state, square, moved, gate).succeeded
    assert cloud.things["sign"]["Needs"] == ["arn:central-2"]


@pytest.mark.parametrize("address", ["event_source_mapping.splitter", "listener_rule.receiver"])
def test_no_job_comes_in_before_all_that_is_behind_the_door(address: str) -> None:
    stack = build(
        Config.model_validate({}), image="registry.example/compute:1", package=package("x")
    )
    order = order_of_creation(stack, {"job_queue.compute", "job_queue.on_demand"})
    assert "job_queue.compute" not in order["role.splitter"] | order["function.splitter"]
    behind = {"event_source_mapping.splitter": "job_queue.compute"}.get(address, "table.jobs")
    assert behind in order[address]
