"""The wires between a process and AWS: calls that kill it, lose an answer, let others go first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from batch_double import batch_error
from botocore.exceptions import ReadTimeoutError
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
    """A client of a process. Unless it is `once`, it repeats what got no answer, as botocore."""

    client: Any
    plan: Plan
    once: bool = False

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.client, name)
        if name in ("exceptions", "meta"):
            return found
        if name == "get_paginator":
            return lambda operation: Wire(found(operation), self.plan)

        def call(**request: Any) -> Any:
            fault = self.plan.next()
            if fault is Fault.KILLED_BEFORE:
                raise Killed
            if fault is Fault.MEANWHILE:
                self.plan.meanwhile()
            if fault is Fault.THROTTLED and self.once:
                raise batch_error("TooManyRequestsException", 429)
            answer = list(found(**request)) if name == "paginate" else found(**request)
            if fault is Fault.KILLED_AFTER:
                raise Killed
            if fault is Fault.LOST_ANSWER:
                if self.once:
                    raise ReadTimeoutError(endpoint_url="batch")
                return list(found(**request)) if name == "paginate" else found(**request)
            return answer

        return call


@dataclass
class Queue:
    """SQS in memory: messages come at least once, and after some tries no more."""

    bodies: list[str] = field(default_factory=list)

    def send_message(self, **request: Any) -> dict[str, Any]:
        self.bodies.append(request["MessageBody"])
        return {}
