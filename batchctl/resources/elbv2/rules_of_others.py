"""Rules that others put on our listener: AWS resources of their own, so never changed by us.

They are named: one that is tried before ours takes requests that were meant for us, and all go with
the listener. A rule is ours when it leads to a target group of ours, and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from batchctl.aws.errors import ignore_missing
from batchctl.aws.session import Aws

ListenerRule = Mapping[str, Any]


def rules_of_listener(aws: Aws, listener_arn: str) -> list[ListenerRule]:
    """Return the rules of a listener but for its default; none when it is gone."""
    with ignore_missing():
        pages = aws.elbv2.get_paginator("describe_rules").paginate(ListenerArn=listener_arn)
        return [dict(rule) for page in pages for rule in page["Rules"] if not rule.get("IsDefault")]
    return []


def tried_before_ours(stack: str, rules: Sequence[ListenerRule]) -> Iterator[str]:
    """Yield a sentence for each rule of others that is tried before the last of ours."""
    last = max((int(each["Priority"]) for each in rules if _is_ours(stack, each)), default=0)
    for rule in rules:
        if int(rule["Priority"]) < last and not _is_ours(stack, rule):
            yield (
                f"a rule of others, with priority {rule['Priority']}, is tried before this stack's "
                f"and takes {_conditions(rule)}: it stays, whoever made it has to remove it "
                f"({rule['RuleArn']})"
            )


def counted_of_others(stack: str, rules: Sequence[ListenerRule]) -> str | None:
    """Say how many rules are of others ("1 rule of others, priority 5"); None for none."""
    others = sorted(int(each["Priority"]) for each in rules if not _is_ours(stack, each))
    if not others:
        return None
    numbers = f"priority {', '.join(map(str, others))}"
    return f"{len(others)} {'rule' if len(others) == 1 else 'rules'} of others, {numbers}"


def _is_ours(stack: str, rule: ListenerRule) -> bool:
    ours = re.compile(rf"[^/]*:targetgroup/{re.escape(stack)}-[a-z]+(-\d+)?/[^/]*")
    actions = rule.get("Actions", ())
    return bool(actions) and all(ours.fullmatch(each.get("TargetGroupArn", "")) for each in actions)


def _conditions(rule: ListenerRule) -> str:
    """Say which requests a rule takes: by path and method, or by whatever else it looks at."""
    found = (
        f"{each['Field']} {', '.join(_values(each))}".strip() for each in rule.get("Conditions", ())
    )
    return " and ".join(found) or "every request"


def _values(condition: Mapping[str, Any]) -> list[str]:
    configured = (each.get("Values", ()) for each in condition.values() if isinstance(each, dict))
    values = next(configured, None) or condition.get("Values", ())
    return [f"`{value}`" for value in values]
