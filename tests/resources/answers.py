"""Answers that moto does not give (statuses that pass, failures), and a record of what was sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from batchctl.aws.session import Aws


def alter(
    aws: Aws,
    operation: str,
    change: Callable[[Any], None],
    *,
    times: int | None = None,
    after: int = 0,
) -> None:
    """Let `change` alter answers of `operation` (`batch.ListJobs`).

    All of them from now on, or `times`, not counting `after` at first.
    """
    count = [0]

    def alter_answer(parsed: Any, **_: Any) -> None:
        count[0] += 1
        if after < count[0] and (times is None or count[0] <= after + times):
            change(parsed)

    _on(aws, "after-call", operation, alter_answer)


def sent(aws: Aws, *operations: str) -> list[tuple[str, Mapping[str, Any]]]:
    """Return a list that grows with each call of these operations: its name and parameters."""
    calls: list[tuple[str, Mapping[str, Any]]] = []

    def note(params: Any, model: Any, **_: Any) -> None:
        calls.append((model.name, dict(params)))

    for operation in operations:
        _on(aws, "provide-client-params", operation, note)
    return calls


def _on(aws: Aws, event: str, operation: str, handler: Callable[..., Any]) -> None:
    service, _, name = operation.partition(".")
    meta = aws.connection.client(service).meta
    meta.events.register(f"{event}.{meta.service_model.service_id.hyphenize()}.{name}", handler)
