"""Rules that others put on our listener: AWS resources of their own, so never changed by us.

They are named: one that is tried before ours takes requests that were meant for us, and all go with
the listener. What leads to a target group of ours is ours; of the rest, which there hardly is, the
tags are asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from batchctl.aws.errors import ignore_missing
from batchctl.aws.session import Aws
from batchctl.resource import is_owned
from batchctl.resources.elbv2.tags import read_tags

ListenerRule = Mapping[str, Any]


def rules_of_listener(aws: Aws, listener_arn: str) -> list[ListenerRule]:
    """Return the rules of a listener but for its default; none when it is gone."""
    with ignore_missing():
        pages = aws.elbv2.get_paginator("describe_rules").paginate(ListenerArn=listener_arn)
        return [dict(rule) for page in pages for rule in page["Rules"] if not rule.get("IsDefault")]
    return []


@dataclass(frozen=True)
class RulesOfOthers:
    """The rules of others on a listener; `last` is the priority of the last of ours."""

    rules: Sequence[ListenerRule]
    last: int

    def tried_before_ours(self) -> Iterator[str]:
        """Yield a sentence for each that is tried before the last of ours."""
        for rule in self.rules:
            if int(rule["Priority"]) < self.last:
                yield (
                    f"a rule of others, with priority {rule['Priority']}, is tried before this "
                    f"stack's and takes {_conditions(rule)}: it stays, whoever made it has to "
                    f"remove it ({rule['RuleArn']})"
                )

    def counted(self) -> str | None:
        """Say how many there are ("1 rule of others, priority 5"); None for none."""
        if not self.rules:
            return None
        numbers = ", ".join(map(str, sorted(int(each["Priority"]) for each in self.rules)))
        rules = "rule" if len(self.rules) == 1 else "rules"
        return f"{len(self.rules)} {rules} of others, priority {numbers}"


def rules_of_others(aws: Aws, listener_arn: str) -> RulesOfOthers:
    """Return the rules of others on a listener; none when it is gone."""
    rules = rules_of_listener(aws, listener_arn)
    others = [each for each in rules if not _is_ours(aws, each)]
    ours = (int(each["Priority"]) for each in rules if each not in others)
    return RulesOfOthers(others, max(ours, default=0))


def _is_ours(aws: Aws, rule: ListenerRule) -> bool:
    """Whether a rule is ours, also one that others have led elsewhere."""
    group = re.compile(rf"[^/]*:targetgroup/{re.escape(aws.stack)}-[a-z]+(-\d+)?/[^/]*")
    actions = rule.get("Actions", ())
    if actions and all(group.fullmatch(each.get("TargetGroupArn", "")) for each in actions):
        return True
    with ignore_missing():
        return is_owned(aws, read_tags(aws, str(rule["RuleArn"])))
    return True


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
