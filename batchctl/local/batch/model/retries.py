"""Whether a failed attempt is tried again: the retry strategy and its evaluateOnExit rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from batchctl.local.batch.api.errors import RefusedError

MAX_ATTEMPTS = 10
"""RetryStrategy, AWS Batch API Reference: between 1 and 10 attempts."""

MAX_RULES = 5
"""RetryStrategy, AWS Batch API Reference: at most 5 evaluateOnExit entries."""

# EvaluateOnExit, AWS Batch API Reference: letters, digits, periods, colons and white space, then
# an optional `*`.
_TEXT_PATTERN = re.compile(r"[A-Za-z0-9.:\s]{0,511}\*?")
_NUMBER_PATTERN = re.compile(r"[0-9]{0,511}\*?")


@dataclass(frozen=True)
class Ending:
    """How an attempt ended, as its retry rules see it; absent texts are empty."""

    exit_code: int | None = None
    reason: str | None = None
    status_reason: str | None = None


def is_retried(strategy: Mapping[str, Any], attempts_made: int, ending: Ending) -> bool:
    """Return whether another attempt follows; with rules but none that matches, it does."""
    if attempts_made >= strategy.get("attempts", 1):
        return False
    for rule in strategy.get("evaluateOnExit", ()):
        if _matches(rule, ending):
            return str(rule["action"]).upper() == "RETRY"
    return True


def check(strategy: Mapping[str, Any]) -> None:
    """Refuse a retry strategy that Batch would refuse."""
    attempts, rules = strategy.get("attempts"), strategy.get("evaluateOnExit", [])
    if attempts is not None and not 1 <= attempts <= MAX_ATTEMPTS:
        raise RefusedError(f"Retry attempts must be between 1 and {MAX_ATTEMPTS}")
    if rules and attempts is None:
        raise RefusedError("evaluateOnExit requires attempts")
    if len(rules) > MAX_RULES:
        raise RefusedError(f"evaluateOnExit must not have more than {MAX_RULES} entries")
    for rule in rules:
        _check_rule(rule)


def _check_rule(rule: Mapping[str, Any]) -> None:
    if str(rule["action"]).upper() not in {"RETRY", "EXIT"}:
        raise RefusedError("evaluateOnExit action must be RETRY or EXIT")
    patterns = {
        "onExitCode": _NUMBER_PATTERN,
        "onReason": _TEXT_PATTERN,
        "onStatusReason": _TEXT_PATTERN,
    }
    if not any(name in rule for name in patterns):
        raise RefusedError("evaluateOnExit needs onExitCode, onReason or onStatusReason")
    for name, pattern in patterns.items():
        if name in rule and not pattern.fullmatch(rule[name]):
            raise RefusedError(f"evaluateOnExit {name} is not a valid pattern: {rule[name]}")


def _matches(rule: Mapping[str, Any], ending: Ending) -> bool:
    exit_code = "" if ending.exit_code is None else str(ending.exit_code)
    texts = {
        "onExitCode": exit_code,
        "onReason": ending.reason or "",
        "onStatusReason": ending.status_reason or "",
    }
    return all(_fits(rule[name], text) for name, text in texts.items() if name in rule)


def _fits(pattern: str, text: str) -> bool:
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern
