"""A lost state, or an id that AWS doesn't show, never leads to a second one of anything."""

from __future__ import annotations

import pytest
import witness
from built import Application
from changes import with_setting
from faults import fail
from other_vpc import balancers, other_vpc
from shared import CONFIG

from batchctl.config import Config
from batchctl.engine import apply
from batchctl.engine.kinds import outputs_of
from batchctl.engine.plan import Action
from batchctl.engine.walk import WalkOutcome

RESTAPI = with_setting(CONFIG, ("api", "mode"), "restapi")


@pytest.fixture
def replaced(account_in_memory: Application) -> Application:
    """An application that moved to another VPC: what can't move has a successor."""
    account_in_memory.up()
    moved = account_in_memory.with_config(Config.model_validate(other_vpc(account_in_memory)))
    moved.up()
    assert set(balancers(moved)) == {"batchapp-api-2"}
    return moved


def test_successors_are_found_without_a_state_and_none_is_made_again(
    replaced: Application,
) -> None:
    before, lost = witness.inventory(replaced.client), replaced.without_state()
    plan = lost.plan()
    assert plan.changes == ()
    assert {step.name for step in plan.steps if step.address == "load_balancer.api"} == {
        "batchapp-api-2"
    }
    assert lost.up() == []
    assert witness.inventory(lost.client) == before
    ids = {a: outputs_of(r) for a, r in replaced.state.state.resources.items()}
    assert {a: outputs_of(r) for a, r in lost.state.state.resources.items()} == ids
    assert not lost.down().failed
    assert witness.inventory(lost.client)["load balancing"] == []


def test_a_predecessor_that_a_lost_state_had_still_to_delete_is_deleted(
    replaced: Application,
) -> None:
    client = replaced.client("elbv2")
    tags = [{"Key": key, "Value": value} for key, value in replaced.aws.tags.items()]
    subnets = [each["SubnetId"] for each in replaced.client("ec2").describe_subnets()["Subnets"]]
    client.create_load_balancer(Name="batchapp-api", Subnets=subnets[:2], Tags=tags)
    lost = replaced.without_state()
    deleted = [(s.address, s.name) for s in lost.plan().changes if s.action is Action.DELETE]
    assert deleted == [("load_balancer.api", "batchapp-api")]
    lost.up()
    assert set(balancers(lost)) == {"batchapp-api-2"}
    assert lost.plan().changes == ()


def test_predecessors_that_use_each_other_are_deleted_after_a_lost_state(
    account_in_memory: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rules, of which nothing is known any more, use the target groups.

    As recorded, a target group goes before its load balancer: AWS lets it go after that alone.
    """
    account_in_memory.up()
    moved = account_in_memory.with_config(Config.model_validate(other_vpc(account_in_memory)))
    with monkeypatch.context() as killed:
        killed.setattr(apply, "delete_records", lambda *_, **__: WalkOutcome())
        moved.up()
    assert set(balancers(moved)) == {"batchapp-api", "batchapp-api-2"}
    lost = moved.without_state()
    lost.up()
    assert set(balancers(lost)) == {"batchapp-api-2"}
    groups = lost.client("elbv2").describe_target_groups()["TargetGroups"]
    assert {each["TargetGroupName"] for each in groups} == {"batchapp-api-2", "batchapp-receiver-2"}
    assert lost.plan().changes == ()
    assert not lost.down().failed
    assert witness.inventory(lost.client)["load balancing"] == []


def test_what_others_called_like_a_successor_is_neither_adopted_nor_deleted(
    account_in_memory: Application,
) -> None:
    account_in_memory.up()
    client = account_in_memory.client("elbv2")
    subnets = account_in_memory.client("ec2").describe_subnets()["Subnets"]
    client.create_load_balancer(
        Name="batchapp-api-7", Subnets=[each["SubnetId"] for each in subnets][:2]
    )
    lost = account_in_memory.without_state()
    assert lost.up() == []
    assert not lost.down().failed
    assert set(balancers(lost)) == {"batchapp-api-7"}


def test_a_rest_api_whose_id_is_not_shown_for_once_is_found_by_name_and_tag(
    account_in_memory: Application,
) -> None:
    application = account_in_memory.with_config(RESTAPI)
    application.up()
    api_id = application.outputs("rest_api.api").id
    fail(application.aws, "apigateway.GetRestApi", "NotFoundException")
    writes = len(application.writes)
    assert application.up() == []
    assert application.writes[writes:] == []
    (found,) = application.client("apigateway").get_rest_apis()["items"]
    assert found["id"] == api_id


def test_down_finds_by_name_and_tag_what_its_id_does_not_show(
    account_in_memory: Application,
) -> None:
    application = account_in_memory
    application.up()
    fail(application.aws, "ec2.DescribeSecurityGroups", "InvalidGroup.NotFound", times=1)
    fail(application.aws, "elbv2.DescribeTags", "LoadBalancerNotFound", times=1)
    assert not application.down().failed
    found = witness.inventory(application.client)
    assert found["load balancing"] == []
