"""What other hands deleted comes back, and what hung on it is healed in the same `up`."""

from __future__ import annotations

import pytest
import witness
from built import Application
from deletions import DELETIONS
from moto.awslambda_simple.models import lambda_simple_backends
from shared import Shared
from slices import one_in

from batchctl.engine.plan import Action


@pytest.mark.parametrize("address", one_in(15, DELETIONS))
def test_what_other_hands_deleted_comes_back_with_all_that_hung_on_it(
    shared: Shared, address: str
) -> None:
    application = shared.settled()
    shared.application = None
    before = witness.inventory(application.client)
    DELETIONS[address](application)
    assert witness.inventory(application.client) != before
    planned = {step.address: step.action for step in application.plan().changes}
    assert planned[address] is Action.CREATE
    done = {step.address for step in application.up() if step.action is not Action.DELETE}
    assert address in done
    assert done <= set(planned)
    assert application.plan().changes == ()
    assert witness.inventory(application.client) == before
    shared.application = application


def test_a_target_group_made_again_gets_its_permission_target_and_rule(shared: Shared) -> None:
    application = shared.settled()
    shared.application = None
    old = application.outputs("target_group.receiver").arn
    DELETIONS["target_group.receiver"](application)
    application.up()
    new = application.outputs("target_group.receiver").arn
    rule = application.outputs("listener_rule.receiver").arn
    elbv2 = application.client("elbv2")
    policy = application.client("lambda").get_policy(FunctionName="batchapp-TaskReceiver")
    assert old not in policy["Policy"]
    assert new in policy["Policy"]
    (found,) = elbv2.describe_rules(RuleArns=[rule])["Rules"]
    assert found["Actions"][0]["TargetGroupArn"] == new
    (target,) = elbv2.describe_target_health(TargetGroupArn=new)["TargetHealthDescriptions"]
    assert target["Target"]["Id"] == application.outputs("function.receiver").arn
    shared.application = application


def test_a_failed_function_is_made_again_with_its_permission_in_one_up(shared: Shared) -> None:
    application = shared.settled()
    shared.application = None
    before = witness.inventory(application.client)
    _fail(application, "batchapp-JobAPI")
    planned = {step.address: step.action for step in application.plan().changes}
    assert planned["function.api"] is Action.REPLACE
    application.up()
    assert witness.inventory(application.client) == before
    assert "batchapp-JobAPI" in before["statements"]
    assert application.plan().changes == ()
    shared.application = application


def _fail(application: Application, name: str) -> None:
    """Let Lambda say that the function can't be used any more, as it does of idle ones."""
    backend = lambda_simple_backends[application.aws.account][application.aws.region]
    backend.get_function(name).state = "Failed"


def test_everything_deleted_at_once_is_built_again(shared: Shared) -> None:
    application = shared.settled()
    shared.application = None
    before = witness.inventory(application.client)
    for address in (
        "target_group.receiver",
        "security_group.load_balancer",
        "event_source_mapping.splitter",
        "function.receiver",
        "function.splitter",
        "compute_environment.spot",
        "job_definition.compute",
        "table.jobs",
        "queue.jobs",
        "queue.dead_letters",
        "instance_profile.instance",
        "role.job",
        "role.receiver",
        "log_group.api",
    ):
        DELETIONS[address](application)
    application.up()
    assert application.plan().changes == ()
    assert witness.inventory(application.client) == before
    shared.application = application
