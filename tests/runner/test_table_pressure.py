"""A table that is throttled or away costs time, never a result that was computed."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from runner_jobs import Jobs, Runner
from slices import one_in
from table_server import THROTTLED, TableServer, away_for, so_many_writes_a_second

from batchctl.contract.reasons import Reason
from batchctl.contract.slices import START_S, TABLE_S, attempt_s
from batchctl.runner.job_table import JobTable, Outcome, Slice, Work
from batchctl.runner.options import Task
from batchctl.runner.patience import LONGEST_PAUSE_S, REFUSED_S, GaveUp, Patience
from batchctl.runner.recording import MOST_WAITING_BYTES, Recorder, Written
from batchctl.runner.task import LAST_WORD_S, START_PATIENCE_S, read

INSTANT = "def compute(item, parameters): return {'hours': 'of work'}"
INTERNAL_ERROR = {"__type": "com.amazonaws.dynamodb.v20120810#InternalServerError", "message": ""}


def test_a_partition_that_takes_fewer_writes_than_tasks_make_loses_none(
    jobs: Jobs, runner: Runner, server: TableServer
) -> None:
    # Nine tasks of ten items each, far faster than the partition: the shape of a burst at five
    # times its rate, small enough for a test.
    runner.compute(INSTANT)
    jobs.put([f"S{number}" for number in range(90)])
    server.fault = so_many_writes_a_second(15)

    with ThreadPoolExecutor(3) as pool:
        done = list(
            pool.map(
                lambda task: runner.run(BATCHCTL_FIRST_TASK=str(task), BATCHCTL_PROCESSES="2"),
                range(9),
            )
        )

    assert server.answered["PutItem refused"] > 0
    assert [each.status for each in done] == [0] * 9
    assert list(jobs.statuses().values()) == ["SUCCEEDED"] * 90


@pytest.mark.parametrize(
    ("operation", "error"),
    one_in(
        3,
        [
            ("BatchGetItem", THROTTLED),
            ("PutItem", THROTTLED),
            ("BatchGetItem", INTERNAL_ERROR),
            ("PutItem", INTERNAL_ERROR),
        ],
    ),
)
def test_a_table_that_is_away_for_a_while_is_waited_for(
    jobs: Jobs, runner: Runner, server: TableServer, operation: str, error: dict[str, str]
) -> None:
    runner.compute(INSTANT)
    jobs.put(["A", "B", "C"])
    # More than botocore itself repeats a call, which it does twice.
    server.fault = away_for(4, operation, error)

    assert runner.run().status == 0
    assert jobs.statuses() == dict.fromkeys("ABC", "SUCCEEDED")


def test_other_items_are_computed_while_a_result_waits_to_be_recorded(
    jobs: Jobs, runner: Runner, server: TableServer
) -> None:
    runner.compute("""
        import pathlib

        def compute(item, parameters):
            pathlib.Path(__file__).with_name(item).touch()
            return {}
    """)
    jobs.put(["A", "B", "C"])
    done = runner.folder / "C"
    server.fault = lambda operation: (
        THROTTLED if operation == "PutItem" and not done.exists() else None
    )

    assert runner.run().status == 0
    assert jobs.statuses() == dict.fromkeys("ABC", "SUCCEEDED")


def test_what_cannot_be_recorded_before_the_attempt_ends_is_said_and_the_status_is_the_tables(
    jobs: Jobs, runner: Runner, server: TableServer
) -> None:
    runner.compute(INSTANT)
    jobs.put(["A"])
    server.fault = lambda operation: THROTTLED if operation == "PutItem" else None

    done = runner.run(BATCHCTL_ATTEMPT_S="4")

    assert done.status == 3
    assert "Throughput exceeds" in str(
        [line["not_recorded"] for line in done.lines if "not_recorded" in line]
    )
    assert done.lines[-1]["error"] == "the job table took no more results"


class Clock:
    """Time that passes when somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def failing(times: int, error: Exception) -> Any:
    left = [error] * times

    def call() -> str:
        if left:
            raise left.pop()
        return "done"

    return call


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "PutItem")


@pytest.mark.parametrize(
    "error",
    [refused("ProvisionedThroughputExceededException"), EndpointConnectionError(endpoint_url="x")],
)
def test_calls_are_repeated_with_growing_pauses_that_differ(clock: Clock, error: Exception) -> None:
    patience = Patience(clock.wait, clock)

    assert patience.call(failing(12, error), lambda: 1e6) == "done"

    assert len(set(clock.pauses)) == 12
    assert max(clock.pauses[:3]) < 1
    assert LONGEST_PAUSE_S / 4 <= clock.pauses[-1] <= LONGEST_PAUSE_S


class Away:
    """A job table that is away until then."""

    def __init__(self, clock: Clock, until: float) -> None:
        self.clock, self.until = clock, until

    def read(self, wanted: Slice) -> Work:
        if self.clock() < self.until:
            raise EndpointConnectionError(endpoint_url="x")
        return Work(("A",), frozenset(), {})


def a_task(limit_s: int | None) -> Task:
    return Task("jobs", Slice("demo", 0, 10), 0, tries=3, item_timeout_s=60, attempt_s=limit_s)


def test_the_wait_for_a_table_takes_nothing_of_the_time_of_setup_items_and_results(
    clock: Clock,
) -> None:
    """It is away for longer than the import of compute.py and `setup` may take."""
    limit_s = attempt_s(10, 1, 60)
    table: Any = Away(clock, START_S + 250)

    assert read(table, a_task(limit_s), 0.0, Patience(clock.wait, clock)).items == ("A",)

    assert clock.now >= START_S + 250
    left_for_results_s = limit_s - clock.now - START_S - 10 * 60
    assert left_for_results_s >= TABLE_S / 2


@pytest.mark.parametrize("limit_s", [660, attempt_s(10, 1, 60), None])
def test_a_task_gives_a_table_up_before_batch_would_blame_its_items(
    clock: Clock, limit_s: int | None
) -> None:
    """The limit of a job that was submitted by an earlier version has nothing for the table."""
    table: Any = Away(clock, 1e9)

    with pytest.raises(GaveUp):
        read(table, a_task(limit_s), 0.0, Patience(clock.wait, clock))

    assert clock.now == (660 - LAST_WORD_S if limit_s == 660 else START_PATIENCE_S)


def test_they_are_repeated_until_the_last_second(clock: Clock) -> None:
    with pytest.raises(GaveUp, match="no"):
        Patience(clock.wait, clock).call(
            failing(10**6, refused("InternalServerError")), lambda: 500
        )
    assert clock.now == 500


@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFoundException"])
def test_a_refusal_is_believed_after_a_minute(clock: Clock, code: str) -> None:
    with pytest.raises(GaveUp):
        Patience(clock.wait, clock).call(failing(10**6, refused(code)), lambda: 1e6)
    assert clock.now == REFUSED_S


def test_a_missing_table_is_named(jobs: Jobs, clock: Clock) -> None:
    table = JobTable(boto3.client("dynamodb"), "missing")
    with pytest.raises(GaveUp, match="ResourceNotFoundException"):
        Patience(clock.wait, clock).call(lambda: table.read(Slice("demo", 0, 1)), lambda: 1e6)


SUCCESS = Outcome("{}", None, 1, 0.5)


class Recording:
    """A recorder over a function, and what became of what it was given."""

    def __init__(self, record: Any) -> None:
        self.written: list[Written] = []
        self.is_over = threading.Semaphore(0)
        self.recorder = Recorder(record, self.done, 1e9, lambda: 0.0)

    def done(self, written: Written) -> None:
        self.written.append(written)
        self.is_over.release()

    def result(self) -> Written:
        assert self.is_over.acquire(timeout=60)
        return self.written[-1]


def test_a_record_that_the_table_refuses_fails_the_item_with_its_words() -> None:
    given: list[Outcome] = []

    def record(_item: str, outcome: Outcome) -> bool:
        given.append(outcome)
        if outcome.result is not None:
            raise refused("ValidationException")
        return True

    recording = Recording(record)
    recording.recorder.start(1)
    recording.recorder.put(0, "A", SUCCESS)

    outcome = recording.result().outcome
    assert (outcome.result, outcome.reason) == (None, Reason.EXCEPTION)
    assert "the job table refused the result: " in str(outcome.error)
    assert given[-1] == outcome


def test_no_more_is_computed_while_much_waits_to_be_written() -> None:
    go = threading.Event()
    recording = Recording(lambda _item, _outcome: go.wait(60))
    large = Outcome("x" * (MOST_WAITING_BYTES // 2), None, 1, 0.5)

    recording.recorder.put(0, "A", large)
    assert recording.recorder.has_room
    recording.recorder.put(1, "B", large)
    assert not recording.recorder.has_room

    recording.recorder.start(2)
    go.set()
    recording.result()
    recording.result()
    assert recording.recorder.has_room
    assert recording.recorder.waiting == 0


def test_a_hurry_cuts_the_pauses_short() -> None:
    asked = threading.Event()

    def record(_item: str, _outcome: Outcome) -> bool:
        asked.set()
        raise refused("ThrottlingException")

    recording = Recording(record)
    recording.recorder.start(1)
    recording.recorder.put(0, "A", SUCCESS)
    assert asked.wait(60)
    recording.recorder.hasten(-1.0)

    assert "ThrottlingException" in str(recording.result().error)
