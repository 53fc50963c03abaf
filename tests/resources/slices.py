"""Which of many cases of one promise `make test` tries: every so manyth, from the first on.

`make check` tries all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from typing import Any

import pytest


def one_in(number: int, cases: Iterable[Any]) -> list[Any]:
    """Return the cases as parameters, of which all but every `number`th are exhaustive."""
    return [_parameter(case, is_always_tried=not at % number) for at, case in enumerate(cases)]


def one_of_each(group: Callable[[Any], Hashable], cases: Iterable[Any]) -> list[Any]:
    """Return the cases as parameters, of which all but the first of each group are exhaustive."""
    seen: set[Hashable] = set()
    parameters = []
    for case in cases:
        parameters.append(_parameter(case, is_always_tried=group(case) not in seen))
        seen.add(group(case))
    return parameters


def in_rounds(group: Callable[[Any], Hashable], cases: Iterable[Any]) -> list[list[Any]]:
    """Share the cases out to as few rounds as go, no two of one group in a round."""
    met: Counter[Hashable] = Counter()
    rounds: list[list[Any]] = []
    for case in cases:
        number = met[group(case)]
        met[group(case)] += 1
        rounds += [[]] if number == len(rounds) else []
        rounds[number].append(case)
    return rounds


def _parameter(case: Any, *, is_always_tried: bool) -> Any:
    values = case if isinstance(case, tuple) else (case,)
    return pytest.param(*values, marks=() if is_always_tried else pytest.mark.exhaustive)
