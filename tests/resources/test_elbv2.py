"""The Elastic Load Balancing kinds against what AWS does and moto doesn't."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from answers import alter, sent
from default_vpc import make_default_vpc_public
from engine_runs import down, outputs, plan, step_of, up
from examples_awslambda import function, load_balancer, permission, target_group
from examples_elbv2 import listener, rule, target
from faults import Killed, fail, kill

from batchctl.aws.errors import NotReady
from batchctl.aws.session import Aws
from batchctl.engine.plan import Action
from batchctl.resource import NotOwned
from batchctl.resources.acm import Certificate


@pytest.fixture(autouse=True)
def public_default_vpc(aws: Aws) -> str:
    """The default VPC as AWS makes it."""
    return make_default_vpc_public(aws.connection.client("ec2"))


@pytest.fixture
def elbv2(aws: Aws) -> Any:
    """Elastic Load Balancing as boto3 shows it: the witness."""
    return aws.connection.session.client("elbv2")


def with_state(code: str) -> Callable[[Any], None]:
    def change(answer: Any) -> None:
        for each in answer.get("LoadBalancers", []):
            each["State"] = {"Code": code}

    return change


def attributes_of(elbv2: Any, arn: str) -> dict[str, str]:
    found = elbv2.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
    return {each["Key"]: each["Value"] for each in found}


def test_up_ends_when_the_load_balancer_is_active(aws: Aws, tmp_path: Path) -> None:
    describe = "elbv2.DescribeLoadBalancers"
    alter(aws, describe, with_state("provisioning"), after=1, times=20)
    outputs(up(aws, tmp_path, load_balancer), load_balancer)
    assert aws.clock.now() > 60


def test_a_failure_in_between_is_waited_out(aws: Aws, tmp_path: Path) -> None:
    alter(aws, "elbv2.DescribeLoadBalancers", with_state("failed"), after=1, times=3)
    assert outputs(up(aws, tmp_path, load_balancer), load_balancer).dns_name


def test_a_load_balancer_that_never_starts_is_given_up(aws: Aws, tmp_path: Path) -> None:
    alter(aws, "elbv2.DescribeLoadBalancers", with_state("provisioning"), after=1)
    error = up(aws, tmp_path, load_balancer).outcome.failed[load_balancer.address]
    assert isinstance(error, NotReady)
    assert "load balancer `batchapp-api` to start" in error.message


def test_a_failed_load_balancer_is_replaced(aws: Aws, tmp_path: Path) -> None:
    outputs(up(aws, tmp_path, load_balancer), load_balancer)
    alter(aws, "elbv2.DescribeLoadBalancers", with_state("failed"), times=1)
    step = step_of(plan(aws, tmp_path, load_balancer), load_balancer)
    assert (step.action, step.forced_by) == (Action.REPLACE, ("State",))


def test_an_impaired_load_balancer_is_no_difference(aws: Aws, tmp_path: Path) -> None:
    outputs(up(aws, tmp_path, load_balancer), load_balancer)
    alter(aws, "elbv2.DescribeLoadBalancers", with_state("active_impaired"))
    assert plan(aws, tmp_path, load_balancer).changes == ()


def test_a_load_balancer_without_its_attributes_is_finished_by_the_next_run(
    aws: Aws, elbv2: Any, tmp_path: Path
) -> None:
    kill(aws, "elbv2.ModifyLoadBalancerAttributes")
    killed = up(aws, tmp_path, load_balancer)
    assert isinstance(killed.outcome.failed[load_balancer.address], Killed)
    arn = outputs(up(aws, tmp_path, load_balancer), load_balancer).arn
    assert attributes_of(elbv2, arn)["routing.http.drop_invalid_header_fields.enabled"] == "true"
    assert len(elbv2.describe_load_balancers()["LoadBalancers"]) == 1


def test_attributes_by_other_hands_are_put_right(aws: Aws, elbv2: Any, tmp_path: Path) -> None:
    arn = outputs(up(aws, tmp_path, load_balancer), load_balancer).arn
    protect = [{"Key": "deletion_protection.enabled", "Value": "true"}]
    elbv2.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=protect)
    outputs(up(aws, tmp_path, load_balancer), load_balancer)
    assert attributes_of(elbv2, arn)["deletion_protection.enabled"] == "false"


def test_subnets_are_changed_in_place(aws: Aws, elbv2: Any, tmp_path: Path) -> None:
    arn = outputs(up(aws, tmp_path, load_balancer), load_balancer).arn
    ids = sorted(each["SubnetId"] for each in aws.ec2.describe_subnets()["Subnets"])[:2]
    network = dataclasses.replace(load_balancer.network, load_balancer_subnet_ids=tuple(ids))
    group = dataclasses.replace(load_balancer.security_group, network=network)
    moved = dataclasses.replace(load_balancer, network=network, security_group=group)
    outputs(up(aws, tmp_path, moved), load_balancer)
    found = elbv2.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"][0]
    assert sorted(each["SubnetId"] for each in found["AvailabilityZones"]) == ids


def test_a_load_balancer_of_this_name_without_our_tag_is_left_alone(
    aws: Aws, elbv2: Any, tmp_path: Path
) -> None:
    arn = outputs(up(aws, tmp_path, load_balancer), load_balancer).arn
    elbv2.remove_tags(ResourceArns=[arn], TagKeys=["batchctl:stack"])
    failed = plan(aws, tmp_path, load_balancer).outcome.failed
    assert isinstance(failed[load_balancer.address], NotOwned)


def test_tags_are_set_and_removed(aws: Aws, elbv2: Any, tmp_path: Path) -> None:
    outputs(up(aws, tmp_path, rule), rule)
    retagged = Aws(aws.connection, stack=aws.stack, tags={"owner": "desk"}, clock=aws.clock)
    result = up(retagged, tmp_path, rule)
    arns = [outputs(result, each).arn for each in (load_balancer, listener, rule, target_group)]
    for found in elbv2.describe_tags(ResourceArns=arns)["TagDescriptions"]:
        tags = {each["Key"]: each["Value"] for each in found["Tags"]}
        assert tags == retagged.tags


def test_a_function_is_registered_when_its_permission_shows(
    aws: Aws, elbv2: Any, tmp_path: Path
) -> None:
    text = "elasticloadbalancing principal does not have permission to invoke the function"
    fail(aws, "elbv2.RegisterTargets", "AccessDenied", text, times=3)
    result = up(aws, tmp_path, target)
    group = outputs(result, target_group).arn
    found = elbv2.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    assert [each["Target"]["Id"] for each in found] == [outputs(result, function).arn]


def test_another_function_replaces_the_one_in_a_target_group(
    aws: Aws, elbv2: Any, tmp_path: Path
) -> None:
    group = outputs(up(aws, tmp_path, target), target_group).arn
    renamed = dataclasses.replace(function, name="batchapp-Renamed")
    moved = dataclasses.replace(
        target, function=renamed, permission=dataclasses.replace(permission, function=renamed)
    )
    calls = sent(aws, "elbv2.DeregisterTargets", "elbv2.RegisterTargets")
    result = up(aws, tmp_path, moved)
    assert [name for name, _ in calls] == ["DeregisterTargets", "RegisterTargets"]
    found = elbv2.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    assert [each["Target"]["Id"] for each in found] == [outputs(result, renamed).arn]


def test_a_target_on_its_way_out_counts_as_gone(aws: Aws, tmp_path: Path) -> None:
    outputs(up(aws, tmp_path, target), target)

    def draining(answer: Any) -> None:
        for each in answer["TargetHealthDescriptions"]:
            each["TargetHealth"] = {"State": "draining"}

    alter(aws, "elbv2.DescribeTargetHealth", draining)
    assert step_of(plan(aws, tmp_path, target), target).action is Action.CREATE


def test_a_target_group_is_deleted_when_the_load_balancer_lets_go_of_it(
    aws: Aws, elbv2: Any, tmp_path: Path
) -> None:
    outputs(up(aws, tmp_path, rule), rule)
    text = "Target group is currently in use by a listener or a rule"
    fail(aws, "elbv2.DeleteTargetGroup", "ResourceInUse", text, times=4)
    assert not down(aws, tmp_path).failed
    assert elbv2.describe_target_groups()["TargetGroups"] == []
    assert elbv2.describe_load_balancers()["LoadBalancers"] == []


def test_what_no_rule_takes_is_a_404_with_a_json_body(aws: Aws, elbv2: Any, tmp_path: Path) -> None:
    arn = outputs(up(aws, tmp_path, listener), listener).arn
    found = elbv2.describe_listeners(ListenerArns=[arn])["Listeners"][0]
    answer = found["DefaultActions"][0]["FixedResponseConfig"]
    assert (answer["StatusCode"], answer["ContentType"]) == ("404", "application/json")
    assert json.loads(answer["MessageBody"]) == {"error": "not found"}


def test_a_certificate_makes_a_listener_speak_https_and_its_absence_http(
    aws: Aws, elbv2: Any, tmp_path: Path
) -> None:
    acm = aws.connection.session.client("acm")
    certificate = acm.request_certificate(DomainName="batchapp.example")["CertificateArn"]
    secure = dataclasses.replace(listener, certificate=Certificate(label="api", name=certificate))
    arn = outputs(up(aws, tmp_path, listener), listener).arn
    calls = sent(aws, "elbv2.ModifyListener")
    outputs(up(aws, tmp_path, secure), listener)
    assert calls[0][1]["Certificates"] == [{"CertificateArn": certificate}]
    assert calls[0][1]["SslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"
    assert plan(aws, tmp_path, secure).changes == ()
    assert outputs(up(aws, tmp_path, listener), listener).arn == arn
    assert elbv2.describe_listeners(ListenerArns=[arn])["Listeners"][0]["Protocol"] == "HTTP"


def test_the_listener_of_another_port_comes_before_the_old_one_goes(
    aws: Aws, tmp_path: Path
) -> None:
    outputs(up(aws, tmp_path, rule), rule)
    moved_listener = dataclasses.replace(listener, port=8888)
    calls = sent(aws, "elbv2.CreateListener", "elbv2.CreateRule", "elbv2.DeleteListener")
    result = up(aws, tmp_path, dataclasses.replace(rule, listener=moved_listener))
    assert outputs(result, rule).arn.startswith(
        outputs(result, moved_listener).arn.replace(":listener/", ":listener-rule/")
    )
    assert [name for name, _ in calls] == ["CreateListener", "CreateRule", "DeleteListener"]


def test_conditions_by_other_hands_are_put_right(aws: Aws, elbv2: Any, tmp_path: Path) -> None:
    arn = outputs(up(aws, tmp_path, rule), rule).arn
    anything = [{"Field": "path-pattern", "PathPatternConfig": {"Values": ["*"]}}]
    elbv2.modify_rule(RuleArn=arn, Conditions=anything)
    outputs(up(aws, tmp_path, rule), rule)
    conditions = elbv2.describe_rules(RuleArns=[arn])["Rules"][0]["Conditions"]
    assert {each["Field"] for each in conditions} == {"http-request-method", "path-pattern"}


def test_a_rule_whose_answer_was_lost_is_found_by_its_priority(
    aws: Aws, elbv2: Any, tmp_path: Path
) -> None:
    arn = outputs(up(aws, tmp_path, rule), rule).arn
    # Nothing is recorded, and the first read doesn't show it yet.
    alter(aws, "elbv2.DescribeRules", lambda answer: answer.update(Rules=[]), times=1)
    assert outputs(up(aws, tmp_path / "lost", rule), rule).arn == arn


def test_a_rule_of_this_priority_by_other_hands_is_left_alone(
    aws: Aws, elbv2: Any, tmp_path: Path
) -> None:
    result = up(aws, tmp_path, rule)
    elbv2.delete_rule(RuleArn=outputs(result, rule).arn)
    elbv2.create_rule(
        ListenerArn=outputs(result, listener).arn,
        Priority=rule.priority,
        Conditions=[{"Field": "path-pattern", "Values": ["/theirs"]}],
        Actions=[{"Type": "forward", "TargetGroupArn": outputs(result, target_group).arn}],
    )
    assert isinstance(up(aws, tmp_path, rule).outcome.failed[rule.address], NotOwned)
