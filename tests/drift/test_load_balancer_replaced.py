"""The load balancer is replaced with its target groups, which AWS ties to one alone."""

from __future__ import annotations

from typing import Any

import pytest
import witness
from answers import alter
from botocore.exceptions import ClientError
from built import Application
from faults import fail
from other_vpc import balancers, other_vpc

from batchctl.config import Config
from batchctl.engine.plan import Action

TIED = {"target_group.receiver", "target_group.api"}
# All that stands between the load balancer and the functions.
FRONT_DOOR = {
    "load_balancer.api",
    "listener.api",
    *TIED,
    *(f"{kind}.{label}" for kind in ("listener_rule", "target", "permission")
      for label in ("receiver", "api")),
}  # fmt: skip


@pytest.fixture
def deployed(account_in_memory: Application) -> Application:
    """The application, where AWS allows a target group one load balancer."""
    account_in_memory.up()
    return account_in_memory


def test_moto_refuses_a_target_group_a_second_load_balancer_as_aws_does(
    deployed: Application,
) -> None:
    elbv2 = deployed.client("elbv2")
    subnets = [each["SubnetId"] for each in deployed.client("ec2").describe_subnets()["Subnets"]]
    other = elbv2.create_load_balancer(Name="other", Subnets=subnets[:2])["LoadBalancers"][0]
    listener = elbv2.create_listener(
        LoadBalancerArn=other["LoadBalancerArn"],
        Port=80,
        Protocol="HTTP",
        DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
    )["Listeners"][0]
    with pytest.raises(ClientError, match="TargetGroupAssociationLimit"):
        elbv2.create_rule(
            ListenerArn=listener["ListenerArn"],
            Priority=1,
            Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/x"]}}],
            Actions=[
                {"Type": "forward", "TargetGroupArn": deployed.outputs("target_group.api").arn}
            ],
        )


def test_another_vpc_replaces_the_load_balancer_and_its_target_groups(
    deployed: Application,
) -> None:
    before = {what: len(names) for what, names in witness.inventory(deployed.client).items()}
    settings = other_vpc(deployed)
    moved = deployed.with_config(Config.model_validate(settings))
    planned = {step.address: step for step in moved.plan().changes}
    assert set(planned) >= FRONT_DOOR
    assert planned["load_balancer.api"].forced_by == ("VpcId",)
    for address in TIED:
        assert planned[address].action is Action.REPLACE
        assert planned[address].forced_by == ("LoadBalancerArns",)
    moved.up()
    assert balancers(moved) == {"batchapp-api-2": settings["network"]["vpc_id"]}
    assert moved.plan().changes == ()
    after = {what: len(names) for what, names in witness.inventory(moved.client).items()}
    # The other VPC has a default group of its own.
    assert after | {"security groups": after["security groups"] - 1} == before
    assert not moved.down().failed


def test_a_load_balancer_that_failed_is_replaced_with_its_target_groups(
    deployed: Application,
) -> None:
    def is_failed(answer: Any) -> None:
        for each in answer.get("LoadBalancers", []):
            if each["LoadBalancerName"] == "batchapp-api":
                each["State"] = {"Code": "failed"}

    alter(deployed.aws, "elbv2.DescribeLoadBalancers", is_failed)
    assert {step.address for step in deployed.plan().changes} == FRONT_DOOR
    deployed.up()
    assert set(balancers(deployed)) == {"batchapp-api-2"}
    assert deployed.plan().changes == ()


def test_a_replacement_that_stops_between_the_two_is_finished_by_the_next_up(
    deployed: Application,
) -> None:
    moved = deployed.with_config(Config.model_validate(other_vpc(deployed)))
    fail(moved.aws, "elbv2.CreateTargetGroup", "TooManyTargetGroups", "at the limit", times=2)
    result, _ = moved.try_up()
    assert set(result.outcome.failed) == TIED
    assert len(balancers(moved)) == 2
    moved.up()
    assert set(balancers(moved)) == {"batchapp-api-2"}
    assert moved.plan().changes == ()


def test_target_groups_stay_when_others_deleted_the_load_balancer(deployed: Application) -> None:
    arn = deployed.outputs("load_balancer.api").arn
    groups = {address: deployed.outputs(address) for address in TIED}
    deployed.client("elbv2").delete_load_balancer(LoadBalancerArn=arn)
    deployed.up()
    assert {address: deployed.outputs(address) for address in TIED} == groups
    assert deployed.plan().changes == ()


def test_a_target_group_that_nothing_leads_to_yet_is_adopted_as_it_is(
    deployed: Application,
) -> None:
    elbv2 = deployed.client("elbv2")
    rule = deployed.outputs("listener_rule.api").arn
    elbv2.delete_rule(RuleArn=rule)
    lost = deployed.without_state()
    planned = {step.address: step.action for step in lost.plan().changes}
    assert planned == {"listener_rule.api": Action.CREATE}
    lost.up()
    assert lost.plan().changes == ()
