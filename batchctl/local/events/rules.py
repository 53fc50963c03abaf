"""Which targets an event goes to: those of the account's rules whose pattern it matches.

MiniStack keeps the rules, and says by TestEventPattern whether an event matches one. It is asked
once for all events that are the same in what the pattern reads: thousands of children of an
array differ in nothing else.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from batchctl.local.batch.model.scope import Clock
from batchctl.local.events.event import Event

FRESH_S = 0.5
"""So long what was read of the rules is good; on AWS a change of a rule takes longer to work."""

_MAX_REMEMBERED = 10_000


@dataclass(frozen=True)
class Target:
    """Where a rule sends its events: ARNs of the target, the rule, and the queue for what fails.

    `constant` is the JSON text that is sent in place of the event, when the rule says so.
    """

    arn: str
    rule_arn: str
    dead_letter_arn: str | None = None
    constant: str | None = None


@dataclass(frozen=True)
class _Rule:
    pattern: str
    targets: tuple[Target, ...]


class Rules:
    """The enabled rules of the default event bus, read again when they aren't fresh."""

    def __init__(self, client: Callable[[], Any], clock: Clock) -> None:
        """Read nothing yet; `client` gives the EventBridge client."""
        self._client, self._clock = client, clock
        self._lock = threading.Lock()
        self._rules: list[_Rule] = []
        self._read_at: float | None = None
        self._answers: dict[tuple[str, str], bool] = {}

    def targets(self, event: Event) -> list[Target]:
        """Return where `event` goes."""
        with self._lock:
            return [
                target
                for rule in self._fresh()
                if self._matches(rule.pattern, event)
                for target in rule.targets
            ]

    def _fresh(self) -> list[_Rule]:
        now = self._clock()
        if self._read_at is None or now - self._read_at > FRESH_S:
            self._rules, self._read_at = list(self._read()), now
        return self._rules

    def _read(self) -> Iterator[_Rule]:
        client = self._client()
        for page in client.get_paginator("list_rules").paginate():
            for rule in page["Rules"]:
                if rule.get("State") == "ENABLED" and rule.get("EventPattern"):
                    pages = client.get_paginator("list_targets_by_rule").paginate(Rule=rule["Name"])
                    targets = (target for page in pages for target in page["Targets"])
                    yield _Rule(
                        rule["EventPattern"],
                        tuple(_target(target, rule["Arn"]) for target in targets),
                    )

    def _matches(self, pattern: str, event: Event) -> bool:
        seen = (pattern, json.dumps(looked_at(json.loads(pattern), event), sort_keys=True))
        if seen not in self._answers:
            if len(self._answers) >= _MAX_REMEMBERED:
                self._answers.clear()
            answer = self._client().test_event_pattern(
                EventPattern=pattern, Event=json.dumps(event)
            )
            self._answers[seen] = bool(answer["Result"])
        return self._answers[seen]


def looked_at(pattern: Any, value: Any) -> Any:
    """Return the part of an event that decides whether it matches the pattern."""
    if isinstance(pattern, dict) and isinstance(value, list):
        # Of a list of objects, any one can match.
        return [looked_at(pattern, each) for each in value]
    if isinstance(pattern, dict) and isinstance(value, dict):
        return _parts_looked_at(pattern, value)
    return _is_leaf(value) if _asks_for_presence_alone(pattern) else value


def _parts_looked_at(pattern: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    found = {
        key: looked_at(inner, value.get(key)) for key, inner in pattern.items() if key != "$or"
    }
    choices = pattern.get("$or", [])
    return {**found, "$or": [looked_at(each, value) for each in choices]} if choices else found


def _asks_for_presence_alone(pattern: Any) -> bool:
    """Whether all that a leaf of a pattern asks is whether there is one (`[{"exists": …}]`)."""
    return isinstance(pattern, list) and all(
        isinstance(each, dict) and each.keys() == {"exists"} for each in pattern
    )


def _is_leaf(value: Any) -> bool:
    return value is not None and not isinstance(value, dict | list)


def _target(target: dict[str, Any], rule_arn: str) -> Target:
    return Target(
        arn=target["Arn"],
        rule_arn=rule_arn,
        dead_letter_arn=target.get("DeadLetterConfig", {}).get("Arn"),
        constant=target.get("Input"),
    )
