"""Rules that others put on our listener are theirs: never changed, and named where they matter."""

from __future__ import annotations

from typing import Any

import pytest
from built import Application

from batchctl.application.health import unhealthy_resources
from batchctl.engine.destroy import plan_destroy
from batchctl.engine.plan import Plan


@pytest.fixture
def built(account_in_memory: Application) -> Application:
    account_in_memory.up()
    return account_in_memory


def rule_of_others(application: Application, priority: int, path: str) -> str:
    """Have a colleague answer a path by a rule of their own; return its ARN."""
    made: Any = application.client("elbv2").create_rule(
        ListenerArn=application.outputs("listener.api").arn,
        Priority=priority,
        Conditions=[{"Field": "path-pattern", "Values": [path]}],
        Actions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}],
    )
    return str(made["Rules"][0]["RuleArn"])


def notes(plan: Plan) -> list[str]:
    return [note for step in plan.steps for note in step.notes if step.address == "listener.api"]


def test_one_that_is_tried_before_ours_is_named_and_stays(built: Application) -> None:
    arn = rule_of_others(built, 5, "/v1/*")
    plan = built.plan()
    assert plan.changes == ()
    (note,) = notes(plan)
    assert "priority 5" in note
    assert "path-pattern `/v1/*`" in note
    assert arn in note
    assert [each for each in unhealthy_resources(plan) if "priority 5" in each]
    assert built.up() == []
    assert built.client("elbv2").describe_rules(RuleArns=[arn])["Rules"]


def test_one_that_is_tried_after_ours_takes_nothing_from_us(built: Application) -> None:
    rule_of_others(built, 99, "/theirs")
    plan = built.plan()
    assert (plan.changes, notes(plan), list(unhealthy_resources(plan))) == ((), [], [])


def test_down_says_how_many_go_with_the_listener_before_it_asks(built: Application) -> None:
    def ends() -> str | None:
        plan = plan_destroy(built.state, built.aws, delete_data=True)
        return next(step.ends for step in plan.steps if step.address == "listener.api")

    assert ends() is None
    rule_of_others(built, 99, "/theirs")
    assert ends() == "1 rule of others, priority 99"
    rule_of_others(built, 5, "/v1/*")
    assert ends() == "2 rules of others, priority 5, 99"


def test_a_rule_of_a_stack_whose_name_begins_like_ours_is_of_others(built: Application) -> None:
    client = built.client("elbv2")
    group = client.create_target_group(Name="batchapp-2-receiver", TargetType="lambda")
    client.create_rule(
        ListenerArn=built.outputs("listener.api").arn,
        Priority=7,
        Conditions=[{"Field": "path-pattern", "Values": ["/v1/new-task"]}],
        Actions=[{"Type": "forward", "TargetGroupArn": group["TargetGroups"][0]["TargetGroupArn"]}],
    )
    assert "priority 7" in notes(built.plan())[0]


def test_a_rule_of_ours_that_others_led_elsewhere_is_drift_and_none_of_theirs(
    built: Application,
) -> None:
    built.client("elbv2").modify_rule(
        RuleArn=built.outputs("listener_rule.receiver").arn,
        Actions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}],
    )
    plan = built.plan()
    assert [step.address for step in plan.changes] == ["listener_rule.receiver"]
    assert notes(plan) == []
