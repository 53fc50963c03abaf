"""A request to change a job is read as it was written, and nothing else is one."""

from __future__ import annotations

from typing import Any

import pytest

from batchctl.contract.control import Action, Overrides, RefusedError, Request, parse


@pytest.mark.parametrize(
    "request_",
    [
        Request(Action.CANCEL, "demo-1"),
        Request(Action.RETRY, "demo-1"),
        Request(Action.RETRY, "demo-1", Overrides(memory_mib=4096, on_demand=True)),
    ],
)
def test_a_request_is_read_as_it_was_written(request_: Request) -> None:
    assert parse(request_.as_event()) == request_


@pytest.mark.parametrize(
    ("event", "error"),
    [
        ({"action": "remove", "job_id": "demo-1"}, "`action` must be"),
        ({"action": "cancel"}, "`job_id` must be the id of a job"),
        ({"action": "cancel", "job_id": "a b"}, "`job_id` must be the id of a job"),
        ({"action": "retry", "job_id": "a", "memory_mib": True}, "`memory_mib` must be"),
        ({"action": "retry", "job_id": "a", "memory_mib": 3}, "`memory_mib` must be"),
        ({"action": "retry", "job_id": "a", "on_demand": 1}, "`on_demand` must be"),
        ({"action": "retry", "job_id": "a", "items": "A"}, "`items` must be"),
        ({"action": "retry", "job_id": "a", "items": ["A", ""]}, "`items` must be"),
    ],
)
def test_what_is_no_request_is_refused(event: dict[str, Any], error: str) -> None:
    with pytest.raises(RefusedError, match=error) as refused:
        parse(event)
    assert refused.value.answer() == {"error": refused.value.error, "code": 400}
