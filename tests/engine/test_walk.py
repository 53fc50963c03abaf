"""What the walk promises: all that is ready runs at once; a failure stops its dependents only."""

from __future__ import annotations

import threading

from batchctl.engine.walk import walk
from batchctl.errors import LoggedOut


def test_what_does_not_depend_on_each_other_runs_at_the_same_time() -> None:
    barrier = threading.Barrier(20, timeout=60)
    graph: dict[str, set[str]] = {str(number): set() for number in range(20)}

    def meet(_address: str) -> None:
        barrier.wait()

    outcome = walk(graph, meet, threading.Event())
    assert not outcome.failed


def test_a_slow_node_holds_up_nobody_but_its_dependents() -> None:
    quick_done = threading.Event()
    order: list[str] = []

    def work(address: str) -> None:
        if address == "slow":
            assert quick_done.wait(10)
        order.append(address)
        if address == "quick_last":
            quick_done.set()

    graph = {"slow": set(), "after_slow": {"slow"}, "quick": set(), "quick_last": {"quick"}}
    assert not walk(graph, work, threading.Event()).failed
    assert order == ["quick", "quick_last", "slow", "after_slow"]


def test_a_failure_names_what_it_skipped() -> None:
    def work(address: str) -> None:
        if address == "b":
            raise ValueError(address)

    graph = {"a": set(), "b": {"a"}, "c": {"b"}, "d": {"c"}, "e": {"a"}}
    outcome = walk(graph, work, threading.Event())
    assert set(outcome.failed) == {"b"}
    assert outcome.skipped == {"c": "b", "d": "b"}


def test_when_stopped_nothing_new_begins() -> None:
    stop = threading.Event()
    done: list[str] = []

    def work(address: str) -> None:
        done.append(address)
        stop.set()

    outcome = walk({"a": set(), "b": {"a"}}, work, stop)
    assert done == ["a"]
    assert outcome.interrupted
    assert outcome.skipped == {"b": "interrupted"}


def test_after_a_lost_login_nothing_begins_and_there_is_one_error() -> None:
    barrier = threading.Barrier(2, timeout=60)
    worked: list[str] = []

    def work(address: str) -> None:
        worked.append(address)
        barrier.wait()
        raise LoggedOut(address)

    graph: dict[str, set[str]] = {"a": set(), "b": set(), "after a": {"a"}, "last": {"after a"}}
    outcome = walk(graph, work, threading.Event())
    assert set(worked) == {"a", "b"}
    assert str(outcome.ended_by) in {"a", "b"}
    assert outcome.failed == {}
    assert set(outcome.skipped) == set(graph)
    assert not outcome.complete
