"""The wires between a process and AWS: calls that kill it, lose an answer, let others go first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from enum import Enum
from types import SimpleNamespace
from typing import Any

from batch_double import batch_error
from botocore.exceptions import ReadTimeoutError
from botocore.hooks import HierarchicalEmitter
from fates import Killed


class Fault(Enum):
    """What happens at a call."""

    KILLED_BEFORE = "killed before"
    KILLED_AFTER = "killed after"
    LOST_ANSWER = "lost answer"
    THROTTLED = "throttled"
    MEANWHILE = "meanwhile"


@dataclass
class Plan:
    """What happens at which call of a process, counted from 0; `meanwhile` is another process."""

    call: int = -1
    fault: Fault = Fault.KILLED_BEFORE
    meanwhile: Callable[[], None] = lambda: None
    calls: int = field(default=0, init=False)

    def next(self) -> Fault | None:
        self.calls += 1
        return self.fault if self.calls - 1 == self.call else None


@dataclass
class Wire:
    """A client of a process. Unless it is `once`, it repeats what got no answer, as botocore.

    With AWS's `clock` every answer says what time that is, and who listens hears of it.
    """

    client: Any
    plan: Plan
    once: bool = False
    clock: Callable[[], float] | None = None
    meta: SimpleNamespace = field(
        default_factory=lambda: SimpleNamespace(events=HierarchicalEmitter())
    )

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.client, name)
        if name == "exceptions":
            return found
        if name == "get_paginator":
            return lambda operation: Wire(
                found(operation), self.plan, clock=self.clock, meta=self.meta
            )

        return lambda **request: self._call(name, request)

    def _call(self, name: str, request: dict[str, Any]) -> Any:
        fault = self.plan.next()
        if fault is Fault.KILLED_BEFORE:
            raise Killed
        if fault is Fault.MEANWHILE:
            self.plan.meanwhile()
        if fault is Fault.THROTTLED and self.once:
            raise batch_error("TooManyRequestsException", 429)
        if fault is Fault.LOST_ANSWER and not self.once:
            self._answer(name, request)
        answer = self._answer(name, request)
        if fault is Fault.KILLED_AFTER:
            raise Killed
        if fault is Fault.LOST_ANSWER and self.once:
            raise ReadTimeoutError(endpoint_url="batch")
        return answer

    def _answer(self, name: str, request: dict[str, Any]) -> Any:
        try:
            found = getattr(self.client, name)(**request)
            return list(found) if name == "paginate" else found
        finally:
            self._hear_time(name)

    def _hear_time(self, name: str) -> None:
        if self.clock is not None:
            headers = {"Date": formatdate(self.clock(), usegmt=True)}
            answer = SimpleNamespace(headers=headers)
            self.meta.events.emit(f"after-call.dynamodb.{name}", http_response=answer)


@dataclass
class Queue:
    """SQS in memory: messages come at least once, and after some tries no more."""

    bodies: list[str] = field(default_factory=list)

    def send_message(self, **request: Any) -> dict[str, Any]:
        self.bodies.append(request["MessageBody"])
        return {}
