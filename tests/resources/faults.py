"""Faults: AWS's own errors, and crashes, put in where botocore is about to send a call."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from batchctl.aws.session import Aws


class Killed(BaseException):
    """The process ends here."""


def fail(aws: Aws, operation: str, code: str, message: str = "", *, times: int = 1) -> None:
    """Let the next `times` calls of `operation` (`iam.CreateRole`) fail as AWS does."""
    error = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": 400},
    }
    left = [times]

    def answer(**_: Any) -> Any:
        left[0] -= 1
        return (SimpleNamespace(status_code=400), error) if left[0] >= 0 else None

    _before(aws, operation, answer)


def kill(aws: Aws, operation: str) -> None:
    """End the process just before its first call of `operation`."""
    killed = [False]

    def die(**_: Any) -> None:
        if not killed[0]:
            killed[0] = True
            raise Killed(operation)

    _before(aws, operation, die)


def calls_of(aws: Aws, *services: str) -> list[str]:
    """Return a list that grows with every operation that is called from now on."""
    made: list[str] = []
    for service in services:
        client = aws.connection.client(service)
        service_id = client.meta.service_model.service_id.hyphenize()
        client.meta.events.register(
            f"before-parameter-build.{service_id}", lambda model, **_: made.append(model.name)
        )
    return made


def answered_by(aws: Aws, operation: str, answer: Callable[[], dict[str, Any] | None]) -> None:
    """Let `answer` reply to `operation` in AWS's place, except where it returns None."""

    def reply(**_: Any) -> Any:
        parsed = answer()
        return None if parsed is None else (SimpleNamespace(status_code=200), parsed)

    _before(aws, operation, reply)


def _before(aws: Aws, operation: str, handler: Callable[..., Any]) -> None:
    service, _, name = operation.partition(".")
    client = aws.connection.client(service)
    service_id = client.meta.service_model.service_id.hyphenize()
    client.meta.events.register(f"before-call.{service_id}.{name}", handler)
