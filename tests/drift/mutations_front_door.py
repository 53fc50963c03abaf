"""What other hands can change of the load balancer and all that is behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from built import Application
from hypothesis import strategies as st
from mutation import Mutation, other, tag


def _load_balancer() -> Sequence[Mutation]:
    address = "load_balancer.api"

    def attribute(name: str, value: str) -> Mutation:
        def change(application: Application, balancer: Any, value: Any) -> None:
            application.client("elbv2").modify_load_balancer_attributes(
                LoadBalancerArn=balancer.arn, Attributes=[{"Key": name, "Value": value}]
            )

        return Mutation(address, f"Attributes.{name}", change, other(value))

    def subnets(application: Application, balancer: Any, value: int) -> None:
        found = application.client("elbv2").describe_load_balancers()["LoadBalancers"][0]
        kept = sorted(zone["SubnetId"] for zone in found["AvailabilityZones"])[:value]
        application.client("elbv2").set_subnets(LoadBalancerArn=balancer.arn, Subnets=kept)

    def groups(application: Application, balancer: Any, value: str) -> None:
        group = application.outputs(f"security_group.{value}").id
        application.client("elbv2").set_security_groups(
            LoadBalancerArn=balancer.arn, SecurityGroups=[group]
        )

    return (
        attribute("deletion_protection.enabled", "true"),
        attribute("routing.http.drop_invalid_header_fields.enabled", "false"),
        attribute("routing.http.desync_mitigation_mode", "monitor"),
        attribute("access_logs.s3.enabled", "true"),
        Mutation(address, "Subnets", subnets, st.integers(2, 5)),
        Mutation(address, "SecurityGroups", groups, other("compute")),
        tag(address, _tag_elbv2),
    )


def _tag_elbv2(application: Application, outputs: Any, tags: Mapping[str, str]) -> None:
    application.client("elbv2").add_tags(
        ResourceArns=[outputs.arn], Tags=[{"Key": k, "Value": v} for k, v in tags.items()]
    )


def _listener() -> Sequence[Mutation]:
    def actions(application: Application, listener: Any, value: str) -> None:
        response = {"StatusCode": value, "ContentType": "text/plain", "MessageBody": "x"}
        application.client("elbv2").modify_listener(
            ListenerArn=listener.arn,
            DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": response}],
        )

    return (
        Mutation("listener.api", "DefaultActions", actions, other("200", "404", "503")),
        tag("listener.api", _tag_elbv2),
    )


def _listener_rule(label: str) -> Sequence[Mutation]:
    address = f"listener_rule.{label}"

    def conditions(application: Application, rule: Any, value: Sequence[str]) -> None:
        application.client("elbv2").modify_rule(
            RuleArn=rule.arn,
            Conditions=[
                {"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["POST"]}},
                {"Field": "path-pattern", "PathPatternConfig": {"Values": list(value)}},
            ],
        )

    def actions(application: Application, rule: Any, value: str) -> None:
        group = application.outputs(f"target_group.{value}").arn
        application.client("elbv2").modify_rule(
            RuleArn=rule.arn, Actions=[{"Type": "forward", "TargetGroupArn": group}]
        )

    wrong = {"receiver": "api", "api": "receiver"}[label]
    return (
        Mutation(address, "Conditions", conditions, other(("/*",), ("/v2/*", "/x"))),
        Mutation(address, "Actions", actions, other(wrong)),
        tag(address, _tag_elbv2),
    )


def _target_group(label: str) -> Sequence[Mutation]:
    def health(application: Application, group: Any, _: Any) -> None:
        application.client("elbv2").modify_target_group(
            TargetGroupArn=group.arn, HealthCheckEnabled=True
        )

    return (
        Mutation(f"target_group.{label}", "HealthCheckEnabled", health, st.none()),
        tag(f"target_group.{label}", _tag_elbv2),
    )


def _target(label: str) -> Mutation:
    def change(application: Application, target: Any, value: str) -> None:
        client = application.client("elbv2")
        group, other_function = target.target_group_arn, application.outputs(value).arn
        client.deregister_targets(TargetGroupArn=group, Targets=[{"Id": target.id}])
        client.register_targets(TargetGroupArn=group, Targets=[{"Id": other_function}])

    return Mutation(f"target.{label}", "Targets", change, other("function.splitter"))


FRONT_DOOR: tuple[Mutation, ...] = (
    *_load_balancer(),
    *_listener(),
    *_listener_rule("receiver"),
    *_listener_rule("api"),
    *_target_group("api"),
    _target("api"),
)
