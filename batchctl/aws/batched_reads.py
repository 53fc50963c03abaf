"""Reads asked together: one call for all the names of a kind that a plan is going to ask for.

A plan reads everything that is recorded at once, each resource for itself. Where AWS describes
several things in one call (`BatchedRead`), the first that asks takes the names of the others along.

Each answer is given out once. Whoever asks again, as something is still changing, asks AWS again,
for itself alone; and so does whoever gets no answer: what is gone makes AWS refuse the whole call
(DescribeTargetGroups) or is left out of it (DescribeJobQueues). So nothing is seen that a call of
one's own would not have seen.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from botocore.exceptions import ClientError

Ask = Callable[..., dict[str, Any]]
# What DescribeTags takes (Elastic Load Balancing API Reference); Batch takes 100.
MOST_NAMES = 20


@dataclass(frozen=True)
class BatchedRead:
    """An operation (`service.Operation`) that describes several things by name.

    `parameter` takes the list of names, or with `by_prefix` a text that they begin with. The answer
    has the descriptions in `answers`, each with its name in `known_by`. `of` is the recorded output
    that is the name.
    """

    operation: str
    parameter: str
    answers: str
    known_by: str
    of: str = "id"
    by_prefix: bool = False

    def groups(self, names: Iterable[str]) -> Iterator[tuple[str, ...]]:
        """Yield the names that one call can be for; none that it would be for alone."""
        folder = (lambda name: name.rpartition("/")[0]) if self.by_prefix else (lambda _: "")
        for _, group in groupby(sorted(set(names), key=lambda n: (folder(n), n)), folder):
            members = list(group)
            for start in range(0, len(members), MOST_NAMES):
                chunk = tuple(members[start : start + MOST_NAMES])
                if len(chunk) > 1:
                    yield chunk

    def asking_for(self, names: Sequence[str]) -> dict[str, Any]:
        """Return the parameters that ask for all these names."""
        return {self.parameter: _beginning(names) if self.by_prefix else list(names)}


def _beginning(names: Sequence[str]) -> str:
    """Return all that the names have in common from their first character on."""
    first, last = min(names), max(names)
    pairs = enumerate(zip(first, last, strict=False))
    return first[: next((index for index, (one, other) in pairs if one != other), len(first))]


class Reads:
    """The reads of one plan: `known` are the names that it is going to ask for."""

    def __init__(self, known: Mapping[BatchedRead, Iterable[str]]) -> None:
        """Ask nothing yet."""
        self._groups = {
            (together.operation, together.parameter, name): group
            for together, names in known.items()
            for chunk in together.groups(names)
            for group in (_Group(together, chunk),)
            for name in chunk
        }

    def call(self, operation: str, ask: Ask, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer of `ask(**parameters)`, or its part of a call for several names.

        `ask` makes the call, retried as the table says; its errors are raised.
        """
        name = _only_name(parameters)
        group = self._groups.get((operation, *name)) if name else None
        answer = group.answer(name[1], ask) if group and name else None
        return ask(**parameters) if answer is None else answer


def _only_name(parameters: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the parameter and the one name that a call asks for; None when it asks otherwise."""
    if len(parameters) != 1:
        return None
    ((parameter, value),) = parameters.items()
    names = [value] if isinstance(value, str) else value
    match names:
        case [str(name)]:
            return parameter, name
    return None


class _Group:
    """The names of one call, and what is left of its answer."""

    def __init__(self, together: BatchedRead, names: Sequence[str]) -> None:
        self._together = together
        self._names = names
        self._lock = threading.Lock()
        self._asked = False
        self._answers: dict[str, list[Any]] = {}

    def answer(self, name: str, ask: Ask) -> dict[str, Any] | None:
        """Return the answer for one name, once; None when there is none (any more)."""
        with self._lock:
            if not self._asked:
                # Whatever comes of it: those who wait here then ask for themselves.
                self._asked = True
                self._ask_for_all(ask)
            found = self._answers.pop(name, None)
        return None if found is None else {self._together.answers: found}

    def _ask_for_all(self, ask: Ask) -> None:
        try:
            answer = ask(**self._together.asking_for(self._names))
        except ClientError:
            return
        for each in answer[self._together.answers]:
            self._answers.setdefault(str(each[self._together.known_by]), []).append(each)
