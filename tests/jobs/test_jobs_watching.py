"""What watching a job tells: how fast it goes, how long it takes still, what failed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from batchctl.jobs import Counts, Job, Result, Unreachable
from batchctl.jobs.diagnosis.failures import RESULTS_READ, count_reasons, failure_text, sample
from batchctl.jobs.watching import Failures, Pace


@dataclass
class Hands:
    """A clock that goes when it is set."""

    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s


def job(ended: int, failed: int = 0, status: str = "RUNNING", total: int = 100) -> Job:
    tasks = Counts(total, total - ended, 0, ended - failed, failed)
    return Job("demo", status, datetime(2026, 11, 23, tzinfo=UTC), None, total, tasks, (), None)


@pytest.fixture
def clock() -> Hands:
    return Hands()


def test_without_two_looks_or_progress_there_is_no_rate(clock: Hands) -> None:
    pace = Pace(clock)
    assert pace.per_s is None
    pace.take(job(10))
    assert pace.per_s is None
    clock.now_s = 5
    pace.take(job(10))
    assert pace.left_s(job(10)) is None


def test_the_rate_and_the_time_left_follow_from_what_ended_since(clock: Hands) -> None:
    pace = Pace(clock)
    pace.take(job(10))
    clock.now_s = 10
    pace.take(job(30))
    assert pace.per_s == 2.0
    assert pace.left_s(job(30)) == 35.0


def test_the_rate_is_that_of_the_last_minute(clock: Hands) -> None:
    pace = Pace(clock)
    for clock.now_s in range(0, 301, 10):
        pace.take(job(int(clock.now_s) // 10 if clock.now_s <= 200 else 20))
    assert pace.per_s is None
    clock.now_s = 310
    pace.take(job(26))
    assert pace.per_s == 0.1


@dataclass
class Recorded:
    """The results that there are, how often they were read, and how long that takes."""

    clock: Hands
    results: list[Result] = field(default_factory=list)
    reads: int = 0
    takes_s: float = 0.0

    def __call__(self) -> Iterator[Result]:
        self.reads += 1
        self.clock.now_s += self.takes_s
        yield from self.results

    def fail(self, *items: str) -> None:
        self.results += [Result(item, "FAILED", error="no") for item in items]


@pytest.fixture
def recorded(clock: Hands) -> Recorded:
    return Recorded(clock, [Result("fine", "SUCCEEDED", result={})])


def items(found: list[Result]) -> list[str]:
    return [result.item for result in found]


def test_failures_are_told_once_and_looked_for_only_when_more_tasks_failed(
    clock: Hands, recorded: Recorded
) -> None:
    failures = Failures(recorded, clock, most=10)
    assert failures.new(job(3)) == []
    recorded.fail("A")
    assert items(failures.new(job(4, failed=1))) == ["A"]
    assert failures.new(job(5, failed=1)) == []
    assert recorded.reads == 1
    recorded.fail("B")
    assert items(failures.new(job(6, failed=2))) == ["B"]


def test_no_more_failures_are_told_than_wanted(clock: Hands, recorded: Recorded) -> None:
    failures = Failures(recorded, clock, most=2)
    recorded.fail("A", "B", "C")
    assert items(failures.new(job(5, failed=3))) == ["A", "B"]
    assert failures.new(job(9, failed=9, status="FAILED")) == []
    assert recorded.reads == 1


def test_reading_takes_a_tenth_of_the_time_at_most_until_the_end(
    clock: Hands, recorded: Recorded
) -> None:
    failures = Failures(recorded, clock, most=10)
    recorded.takes_s = 2.0
    failures.new(job(1, failed=1))
    recorded.fail("A")
    clock.now_s += 17.9
    assert failures.new(job(2, failed=2)) == []
    clock.now_s += 0.2
    assert items(failures.new(job(2, failed=2))) == ["A"]
    recorded.fail("B")
    assert items(failures.new(job(9, failed=2, status="FAILED"))) == ["B"]


def test_failures_are_told_later_when_the_api_is_out_of_reach(
    clock: Hands, recorded: Recorded
) -> None:
    def unreachable() -> Iterator[Result]:
        raise Unreachable("http://host", "connection refused")

    failures = Failures(unreachable, clock, most=10)
    recorded.fail("A")
    assert failures.new(job(1, failed=1)) == []
    failures.results = recorded
    assert items(failures.new(job(1, failed=1))) == ["A"]


def test_reasons_and_errors_are_counted_the_most_frequent_first() -> None:
    memory = Result("A", "FAILED", error="killed\nmore", reason="OUT_OF_MEMORY")
    plain = Result("B", "FAILED", error="no")
    found = [plain, memory, replace(memory, item="C"), Result("D", "SUCCEEDED")]
    assert list(count_reasons(found).items()) == [("OUT_OF_MEMORY", 2), ("UNKNOWN", 1)]
    assert [(e.text, e.count) for e in sample(found, most=1).errors] == [
        ("OUT_OF_MEMORY: killed", 2)
    ]
    assert failure_text(Result("E", "FAILED")) == "no error was recorded"


def test_of_very_many_results_the_first_are_counted() -> None:
    failed = (Result(str(number), "FAILED", error="no") for number in range(RESULTS_READ + 10))
    assert count_reasons(failed) == {"UNKNOWN": RESULTS_READ}
    assert len(list(failed)) == 10
