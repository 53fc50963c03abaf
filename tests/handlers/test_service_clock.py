"""What functions take for the time: AWS's, whatever their own clocks say."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.hooks import HierarchicalEmitter
from surroundings import TABLE

from handlers import clients, wiring
from handlers.store.jobs import JobStore
from handlers.store.service_clock import ServiceClock

SAID, SAID_S = "Tue, 22 Sep 2026 05:33:20 GMT", 1_790_055_200.0


class Answering:
    """DynamoDB, whose every answer has these headers."""

    def __init__(self, headers: dict[str, str]) -> None:
        self.meta = SimpleNamespace(events=HierarchicalEmitter())
        self.headers, self.calls = headers, 0

    def get_item(self, **_request: Any) -> dict[str, Any]:
        self.calls += 1
        answer = SimpleNamespace(headers=self.headers)
        self.meta.events.emit("after-call.dynamodb.GetItem", http_response=answer, parsed={})
        return {}


def a_clock(client: Answering, own: Callable[[], float]) -> ServiceClock:
    double: Any = client
    return ServiceClock(double, TABLE, own)


@pytest.mark.parametrize("wrong_by", [300.0, -300.0, 86_400.0, -86_400.0])
def test_a_clock_that_is_wrong_is_corrected_by_what_aws_says(wrong_by: float) -> None:
    clock = a_clock(Answering({"Date": SAID}), lambda: SAID_S + wrong_by)
    assert clock() == pytest.approx(SAID_S, abs=1e-3)


def test_a_clock_that_is_right_is_left_alone() -> None:
    """The header has whole seconds: times of jobs would lose their order."""
    clock = a_clock(Answering({"Date": SAID}), lambda: SAID_S + 0.75)
    assert clock() == SAID_S + 0.75


@pytest.mark.parametrize("headers", [{}, {"Date": ""}, {"Date": "soon"}])
def test_an_answer_that_does_not_say_the_time_changes_nothing(headers: dict[str, str]) -> None:
    clock = a_clock(Answering(headers), lambda: 17.0)
    assert clock() == 17.0


def test_dynamodb_is_asked_for_the_time_by_who_has_asked_it_nothing_yet() -> None:
    client = Answering({"Date": SAID})
    clock = a_clock(client, lambda: 0.0)
    assert [clock(), clock()] == [pytest.approx(SAID_S)] * 2
    assert client.calls == 1


def test_each_answer_corrects_it_anew() -> None:
    own = [SAID_S]
    client = Answering({"Date": SAID})
    clock = a_clock(client, lambda: own[0])
    assert clock() == SAID_S
    own[0] += 7200.0  # it jumps, while nobody knows
    client.get_item()
    assert clock() == pytest.approx(SAID_S, abs=1e-3)


def test_the_functions_go_by_the_answers_of_dynamodb(
    table: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = ServiceClock(clients.dynamodb(), TABLE, lambda: time.time() + 10_000.0)
    assert abs(clock() - time.time()) < 100.0
    assert isinstance(wiring.store().clock, ServiceClock)
