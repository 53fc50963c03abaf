"""Batched reads: one call for all the names of a kind that a plan is going to read.

A plan reads everything that is recorded in parallel, one resource at a time. Where AWS describes
several things in one call (`BatchedRead`), the first reader also asks for the names of the others.

Each answer is used once, but where tags alone are read. A reader that reads again, because
something is still changing, calls AWS for itself alone; so does a reader without an answer: AWS
refuses the whole call for a name that is gone (DescribeTargetGroups) or leaves that name out
(DescribeJobQueues). So every reader sees what a call of its own would have seen.
"""

from __future__ import annotations

import copy
import json
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

    `parameter` takes the list of names, or with `by_prefix` their common prefix. The answer has the
    descriptions under `answers`, each with its name under `known_by`. `of` is the recorded output
    that is the name.
    """

    operation: str
    parameter: str
    answers: str
    known_by: str
    of: str = "id"
    by_prefix: bool = False

    def groups(self, names: Iterable[str]) -> Iterator[tuple[str, ...]]:
        """Yield the names of each call, of calls for two names or more."""
        folder = (lambda name: name.rpartition("/")[0]) if self.by_prefix else (lambda _: "")
        for _, group in groupby(sorted(set(names), key=lambda n: (folder(n), n)), folder):
            members = list(group)
            for start in range(0, len(members), MOST_NAMES):
                chunk = tuple(members[start : start + MOST_NAMES])
                if len(chunk) > 1:
                    yield chunk

    def parameters_for(self, names: Sequence[str]) -> dict[str, Any]:
        """Return the parameters of a call for all these names."""
        return {self.parameter: _common_prefix(names) if self.by_prefix else list(names)}


def _common_prefix(names: Sequence[str]) -> str:
    """Return the common prefix of the names."""
    first, last = min(names), max(names)
    pairs = enumerate(zip(first, last, strict=False))
    return first[: next((index for index, (one, other) in pairs if one != other), len(first))]


SHARED = frozenset({"lambda.GetPolicy", "elasticloadbalancing.DescribeRules"})
"""What several kinds read the same of: a function its whole policy, a permission its statement; a
listener all of its rules, a rule itself."""
SHARED_TAGS = frozenset({"lambda.GetFunction", "ecr.ListTagsForResource"})
"""And where only tags are asked for: those of a function for all that belongs to it."""


class Reads:
    """The reads of one plan; `known` are the names that it is going to read.

    With `tags_alone` nobody reads again as something is changing, so that several readers can have
    one answer: a function's tags are those of all that belongs to it.
    """

    def __init__(
        self, known: Mapping[BatchedRead, Iterable[str]], *, tags_alone: bool = False
    ) -> None:
        """Group the names; nothing is called."""
        self._groups = {
            (read.operation, read.parameter, name): group
            for read, names in known.items()
            for chunk in read.groups(names)
            for group in (_Group(read, chunk, is_reused=tags_alone),)
            for name in chunk
        }
        # Only a plan reads each thing for what it is at one moment.
        self._shared = _SharedReads() if known else None
        self._operations = SHARED | SHARED_TAGS if tags_alone else SHARED

    def call(self, operation: str, ask: Ask, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer of `ask(**parameters)`, or its part of a call for several names.

        `ask` makes the call, retried as the table says; its errors are raised.
        """
        if self._shared is not None and operation in self._operations:
            return self._shared.answer(operation, ask, parameters)
        name = _only_name(parameters)
        group = self._groups.get((operation, *name)) if name else None
        answer = group.answer(name[1], ask) if group and name else None
        return ask(**parameters) if answer is None else answer


def _only_name(parameters: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the parameter and the name of a call for one name; None for every other call."""
    if len(parameters) != 1:
        return None
    ((parameter, value),) = parameters.items()
    names = [value] if isinstance(value, str) else value
    match names:
        case [str(name)]:
            return parameter, name
    return None


class _SharedReads:
    """Answers that several readers of one plan want: the first asks, the others wait for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asking: dict[tuple[str, str], threading.Lock] = {}
        self._answers: dict[tuple[str, str], dict[str, Any]] = {}

    def answer(self, operation: str, ask: Ask, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer; an error is raised for each who asks, who then ask themselves."""
        key = operation, json.dumps(parameters, sort_keys=True, default=str)
        with self._lock:
            asking = self._asking.setdefault(key, threading.Lock())
        with asking:
            if key not in self._answers:
                self._answers[key] = ask(**parameters)
            return copy.deepcopy(self._answers[key])


class _Group:
    """The names of one call, and the answers that are not yet used."""

    def __init__(self, read: BatchedRead, names: Sequence[str], *, is_reused: bool) -> None:
        self._read = read
        self._is_reused = is_reused
        self._names = names
        self._lock = threading.Lock()
        self._asked = False
        self._answers: dict[str, list[Any]] = {}

    def answer(self, name: str, ask: Ask) -> dict[str, Any] | None:
        """Return the answer for one name; None if there is none, or no longer."""
        with self._lock:
            if not self._asked:
                # Also when the call fails: the waiting readers then call for themselves.
                self._asked = True
                self._ask_for_all(ask)
            found = copy.deepcopy(self._answers.get(name))
            if not self._is_reused:
                self._answers.pop(name, None)
        return None if found is None else {self._read.answers: found}

    def _ask_for_all(self, ask: Ask) -> None:
        try:
            answer = ask(**self._read.parameters_for(self._names))
        except ClientError:
            return
        for each in answer[self._read.answers]:
            self._answers.setdefault(str(each[self._read.known_by]), []).append(each)
