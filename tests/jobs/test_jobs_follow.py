"""Following a job that goes on elsewhere, or nowhere; and the lines of one item alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from job_account import GROUP, TABLE, TRACKER, JobAccount, batch_jobs, opened

from batchctl.application.logs import logs_of
from batchctl.aws.clock import Clock
from batchctl.errors import UsageError
from batchctl.jobs.logs.reader import Line
from batchctl.jobs.logs.tail import POLLS_FOR_MORE
from batchctl.jobs.resources import JobResources

RESOURCES = JobResources(TABLE, GROUP, TRACKER, (), ())


@dataclass(frozen=True)
class Turns(Clock):
    """A clock by whose pauses the account goes on: at each, the next thing happens."""

    happens: list[Callable[[], None]] = field(default_factory=list)
    paused: list[float] = field(default_factory=list)

    def pause(self, seconds: float) -> None:
        self.paused.append(seconds)
        assert len(self.paused) < 500, "this would never end"
        if self.happens:
            self.happens.pop(0)()


@pytest.fixture
def turns() -> Turns:
    return Turns()


@pytest.fixture
def account(turns: Turns) -> Iterator[JobAccount]:
    yield from opened(turns)


def followed(account: JobAccount, item: str | None = None) -> list[str]:
    lines = logs_of(account.aws, RESOURCES, "demo", item).follow(None)
    return [shown(line) for line in lines]


def shown(line: Line) -> str:
    return f"r{line.run}:{line.task}.{line.attempt} {line.text}"


def wrote(item: str, **said: object) -> str:
    """A line of the runner's about an item."""
    return json.dumps({"item": item, **said})


def test_following_a_job_that_is_cancelled_while_it_is_queued_ends(
    account: JobAccount, turns: Turns
) -> None:
    account.job("demo", "QUEUED")
    turns.happens.extend([lambda: None, lambda: account.job("demo", "CANCELLED")])
    assert followed(account) == []
    assert len(turns.paused) == 2


def test_the_second_array_of_a_large_job_is_followed_when_it_is_there(
    account: JobAccount, turns: Turns
) -> None:
    first, second = ("one", 0, 10_000), ("two", 10_000, 1)
    items = {"items": {"N": "10001"}, "tasks": {"N": "10001"}}
    account.job("demo", "SUBMITTED", batch_jobs=batch_jobs(first), **items)
    for number in range(10_000):
        account.child(f"one:{number}", "SUCCEEDED")

    def submit_the_rest() -> None:
        account.job("demo", "SUBMITTED", batch_jobs=batch_jobs(first, second), **items)
        account.child("two", "SUCCEEDED", "last")
        account.write("last", (0, "here"))

    turns.happens.extend([*[lambda: None] * 15, submit_the_rest])
    assert followed(account) == ["r1:10000.1 here"]


def test_what_failed_and_is_run_again_by_itself_is_followed(
    account: JobAccount, turns: Turns
) -> None:
    size = {"items": {"N": "1"}, "tasks": {"N": "1"}}
    account.job("demo", "RUNNING", batch_jobs=batch_jobs(("first", 0, 1)), **size)
    account.child("first", "FAILED", "one")
    account.write("one", (0, "no memory"))

    def run_again() -> None:
        again = {"attempt": {"N": "2"}, "attempt_items": {"N": "1"}}
        account.job("demo", "RUNNING", batch_jobs=batch_jobs(("second", 0, 1)), **again, **size)
        account.child("second", "SUCCEEDED", "two")
        account.write("two", (10, "with more"))

    turns.happens.extend([*[lambda: None] * 10, run_again])
    assert followed(account) == ["r1:0.1 no memory", "r2:0.1 with more"]


def test_a_job_that_failed_for_good_though_nobody_noted_it_is_not_followed_for_ever(
    account: JobAccount, turns: Turns
) -> None:
    size = {"items": {"N": "1"}, "tasks": {"N": "1"}}
    account.job("demo", "RUNNING", batch_jobs=batch_jobs(("first", 0, 1)), **size)
    account.child("first", "FAILED", "one")
    account.write("one", (0, "no"))
    assert followed(account) == ["r1:0.1 no"]
    assert POLLS_FOR_MORE <= len(turns.paused) <= POLLS_FOR_MORE + 5


def one_task(account: JobAccount, *lines: str) -> None:
    """A job of two items in one task, which wrote lines."""
    size = {"items": {"N": "2"}, "tasks": {"N": "1"}, "items_per_task": {"N": "2"}}
    account.job("demo", "SUCCEEDED", batch_jobs=batch_jobs(("only", 0, 1)), **size)
    account.universe("demo", ["A", "B"])
    account.child("only", "SUCCEEDED", "one")
    account.write("one", *enumerate(lines))


def written(account: JobAccount, item: str | None) -> list[str]:
    return [line.text for line in logs_of(account.aws, RESOURCES, "demo", item).written(None)]


def test_the_lines_of_an_item_are_its_own_alone(account: JobAccount) -> None:
    one_task(
        account,
        json.dumps({"job_id": "demo", "items": 2}),
        wrote("A", message="begin"),
        wrote("B", message="begin, too"),
        wrote("A", message='{"item": "B"}'),
        json.dumps({"message": "of setup"}),
        json.dumps({"left": 1}),
        wrote("A", status="SUCCEEDED", attempts=1),
        "Traceback of the task",
    )
    assert written(account, "A") == [
        "begin",
        '{"item": "B"}',
        '{"status": "SUCCEEDED", "attempts": 1}',
    ]
    assert written(account, "B") == ["begin, too"]
    assert written(account, None) == [
        '{"job_id": "demo", "items": 2}',
        "begin",
        "begin, too",
        '{"item": "B"}',
        "of setup",
        '{"left": 1}',
        '{"status": "SUCCEEDED", "attempts": 1}',
        "Traceback of the task",
    ]
    with pytest.raises(UsageError, match="could not find item `C`"):
        written(account, "C")


def test_the_lines_of_an_image_without_the_runner_stay_as_they_are(account: JobAccount) -> None:
    lines = ["plain", '{"level": "info"}', "{broken", '["item", "B"]', '{"item": 3}', "{}"]
    one_task(account, *lines)
    assert written(account, "A") == lines
    assert written(account, None) == lines


def test_a_line_says_which_item_it_is_of(account: JobAccount) -> None:
    one_task(account, wrote("A", message="begin"), "plain")
    found = logs_of(account.aws, RESOURCES, "demo", None).written(None)
    assert [(line.item, line.text) for line in found] == [("A", "begin"), (None, "plain")]
