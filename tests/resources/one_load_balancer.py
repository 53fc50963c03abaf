"""AWS's rule that moto doesn't know: a target group has one load balancer at most.

Elastic Load Balancing API Reference: TargetGroup, LoadBalancerArns; CreateRule, error
TargetGroupAssociationLimit. A target group belongs to the load balancer of the rules that lead to
it, and to none again when the last of them is gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from moto.elbv2.exceptions import ELBClientError
from moto.elbv2.models import ELBv2Backend

CREATE_RULE = ELBv2Backend.create_rule
MODIFY_RULE = ELBv2Backend.modify_rule
DESCRIBE = ELBv2Backend.describe_target_groups


@contextmanager
def target_groups_have_one_load_balancer() -> Iterator[None]:
    """Let moto refuse a second load balancer, and say which one a target group has."""
    with ExitStack() as patches:
        for name, replacement in (
            ("create_rule", _create_rule),
            ("modify_rule", _modify_rule),
            ("describe_target_groups", _describe),
        ):
            patches.enter_context(patch.object(ELBv2Backend, name, replacement))
        yield


def _create_rule(backend: Any, listener_arn: str, *given: Any, **named: Any) -> Any:
    actions = named.get("actions") or given[2]
    _refuse_second(backend, _balancer_of_listener(backend, listener_arn), actions)
    return CREATE_RULE(backend, listener_arn, *given, **named)


def _modify_rule(backend: Any, rule_arn: str, *given: Any, **named: Any) -> Any:
    actions = named.get("actions") or (given[1] if given[1:] else None)
    listener_arn = rule_arn.replace(":listener-rule/", ":listener/").rpartition("/")[0]
    _refuse_second(backend, _balancer_of_listener(backend, listener_arn), actions or [])
    return MODIFY_RULE(backend, rule_arn, *given, **named)


def _describe(backend: Any, *given: Any, **named: Any) -> Any:
    for group in backend.target_groups.values():
        group.load_balancer_arns = sorted(_balancers_of(backend, group.arn))
    return DESCRIBE(backend, *given, **named)


def _refuse_second(backend: Any, balancer_arn: str, actions: list[dict[str, Any]]) -> None:
    for group_arn in (each["TargetGroupArn"] for each in actions if "TargetGroupArn" in each):
        if _balancers_of(backend, group_arn) - {balancer_arn}:
            raise ELBClientError(
                "TargetGroupAssociationLimit",
                "The following target groups cannot be associated with more than one load "
                f"balancer: {group_arn}",
            )


def _balancer_of_listener(backend: Any, listener_arn: str) -> str:
    (listener,) = backend.describe_listeners(None, [listener_arn])
    return str(listener.load_balancer_arn)


def _balancers_of(backend: Any, group_arn: str) -> set[str]:
    """Return the load balancers of which a rule leads to the group."""
    return {
        balancer.arn
        for balancer in backend.load_balancers.values()
        for listener in balancer.listeners.values()
        for rule in listener.rules.values()
        for action in rule.actions
        if action.data.get("TargetGroupArn") == group_arn
    }
