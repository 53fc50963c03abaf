"""JSON as strictly as what reads it later needs it: no NaN, nothing endless, bounded nesting."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Never

Pairs = list[tuple[str, Any]]


class Doubled(dict[str, object]):
    """An object in which a key, `doubled`, stood twice; the last value counts in it."""

    doubled: str


def marking_doubled(pairs: Pairs) -> dict[str, object]:
    """Make an object of its keys and values; one with a key twice is a Doubled."""
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    marked, seen = Doubled(made), set[str]()
    for name, _ in pairs:
        if name in seen:
            marked.doubled = name
            break
        seen.add(name)
    return marked


def loads(text: str, object_pairs_hook: Callable[[Pairs], Any] | None = None) -> Any:
    """Parse JSON; raises ValueError (JSONDecodeError where it is none) and RecursionError.

    NaN and the infinities are no JSON, and a number may have 4,300 digits (Python's own limit).
    """
    return json.loads(text, parse_constant=_no_constant, object_pairs_hook=object_pairs_hook)


def is_within(value: object, depth: int) -> bool:
    """Whether objects and arrays are nested `depth` deep at most; without recursion."""
    level = [value]
    for _ in range(depth):
        level = inner_values(level)
        if not level:
            return True
    return not any(isinstance(each, (dict, list)) for each in level)


def inner_values(level: list[Any]) -> list[Any]:
    """Return what the objects and arrays among these values hold."""
    containers = [entry for entry in level if isinstance(entry, (dict, list))]
    return [
        inner
        for entry in containers
        for inner in (entry.values() if isinstance(entry, dict) else entry)
    ]


def _no_constant(name: str) -> Never:
    raise ValueError(name)
