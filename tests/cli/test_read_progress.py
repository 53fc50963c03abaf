"""Waits while a plan reads what AWS has: the long ones are reported, now and then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.client import BaseClient
from click.testing import Result

from batchctl.cli.display.read_progress import ReadProgress

Batchctl = Callable[..., Result]


def reported_at(*moments: float) -> list[str]:
    """What is reported of one wait that is polled at these moments."""
    reported: list[str] = []
    left = iter(moments)
    reads = ReadProgress(now=lambda: next(left), report=reported.append)
    for _ in moments:
        reads.wait("table.jobs", "DynamoDB to finish, now `UPDATING`")
    return reported


def test_a_short_wait_is_not_reported() -> None:
    assert reported_at(0, 0.5, 1.9) == []


def test_a_long_wait_is_reported_with_what_and_how_long_and_again_every_ten_seconds() -> None:
    assert reported_at(100, 102, 107, 111, 112, 117, 122) == [
        "reading table.jobs (2 s, waiting for DynamoDB to finish, now `UPDATING`)",
        "reading table.jobs (12 s, waiting for DynamoDB to finish, now `UPDATING`)",
        "reading table.jobs (22 s, waiting for DynamoDB to finish, now `UPDATING`)",
    ]


def test_each_resource_waits_for_itself() -> None:
    reported: list[str] = []
    moments = iter((0.0, 3.0, 3.0))
    reads = ReadProgress(now=lambda: next(moments), report=reported.append)
    reads.wait("queue.jobs", "SQS")
    reads.wait("queue.jobs", "SQS")
    reads.wait("table.jobs", "DynamoDB")
    assert reported == ["reading queue.jobs (3 s, waiting for SQS)"]


@pytest.fixture
def table_that_is_changing(
    account: None, batchctl: Batchctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The application, its table UPDATING at first; every wait counts as a long one."""
    assert batchctl("up", "--yes").exit_code == 0
    make, looks = vars(BaseClient)["_make_api_call"], [0]

    def changing(client: Any, operation: str, parameters: Any) -> Any:
        answer = make(client, operation, parameters)
        if operation == "DescribeTable" and looks[0] < 2:
            looks[0] += 1
            answer["Table"]["TableStatus"] = "UPDATING"
        return answer

    monkeypatch.setattr(BaseClient, "_make_api_call", changing)
    monkeypatch.setattr("batchctl.cli.display.read_progress.LONG_S", 0.0)


@pytest.mark.usefixtures("table_that_is_changing")
@pytest.mark.parametrize("command", [("plan",), ("status",), ("up", "--yes")])
def test_every_command_that_reads_says_what_it_waits_for(
    batchctl: Batchctl, command: tuple[str, ...]
) -> None:
    answered = batchctl(*command)
    assert answered.exit_code == 0, answered.stderr
    assert "reading table.jobs (0 s, waiting for " in answered.stderr
    assert "now `UPDATING`)" in answered.stderr
