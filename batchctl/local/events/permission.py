"""Whether a resource's policy lets EventBridge use it for one rule.

Amazon EventBridge User Guide, "Using resource-based policies": functions and queues must name the
service, and should name the rule. MiniStack doesn't ask.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

PRINCIPAL = "events.amazonaws.com"


def permits(policy: str | None, action: str, rule_arn: str) -> bool:
    """Return whether a policy document lets the rule do `action`; without one nothing may be done.

    A condition that isn't understood counts as not met.
    """
    if not policy:
        return False
    statements = _as_list(json.loads(policy).get("Statement", []))
    return any(_allows(statement, action, rule_arn) for statement in statements)


def _allows(statement: Mapping[str, Any], action: str, rule_arn: str) -> bool:
    principal = statement.get("Principal", {})
    services = _as_list(principal.get("Service", [])) if isinstance(principal, dict) else []
    actions = [each.lower() for each in _as_list(statement.get("Action", []))]
    return (
        statement.get("Effect") == "Allow"
        and (PRINCIPAL in services or principal == "*")
        and any(fnmatchcase(action.lower(), each) for each in actions)
        and _meets(statement.get("Condition", {}), rule_arn)
    )


def _meets(condition: Mapping[str, Mapping[str, Any]], rule_arn: str) -> bool:
    given = {"aws:sourcearn": rule_arn, "aws:sourceaccount": rule_arn.split(":")[4]}
    operators = {"arnlike", "arnequals", "stringequals", "stringlike"}
    return all(
        operator.lower() in operators
        and any(fnmatchcase(given.get(key.lower(), ""), value) for value in _as_list(values))
        for operator, keys in condition.items()
        for key, values in keys.items()
    )


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
