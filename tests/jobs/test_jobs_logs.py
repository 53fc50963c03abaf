"""The lines of a job's tasks: which streams, in which order, each once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from job_account import BEGAN_MS, GROUP, TABLE, JobAccount, batch_jobs, opened

from batchctl.aws.clock import Clock
from batchctl.contract.batch_jobs import split_into_batch_jobs
from batchctl.contract.slices import Slices
from batchctl.errors import UsageError
from batchctl.jobs import InvalidJob, JobNotFound
from batchctl.jobs.logs.attempts import Attempt, describe
from batchctl.jobs.logs.reader import Line, LogReader
from batchctl.jobs.logs.tail import MAX_UNKNOWN_POLLS, POLLS_AFTER_THE_END, Tail
from batchctl.jobs.record import Task, earlier_batch_jobs, read_record, task_of_item
from batchctl.jobs.timestamps import iso, since


@pytest.fixture
def account() -> Iterator[JobAccount]:
    yield from opened(Clock())


def attempt(task: int, number: int, stream: str | None) -> Attempt:
    return Attempt(Task(task, f"array:{task}", 1), number, stream)


def texts(lines: Iterator[Line]) -> list[str]:
    return [f"{line.task}.{line.attempt} {line.text}" for line in lines]


def test_a_record_tells_the_batch_jobs_and_the_tasks_in_them(account: JobAccount) -> None:
    account.job("demo", batch_jobs=batch_jobs(("array", 0, 10_000), ("single", 10_000, 1)))
    record = read_record(account.aws, TABLE, "demo")
    tasks = [task for each in record.batch_jobs for task in each.children]
    assert len(tasks) == 10_001
    assert tasks[9_999] == Task(9_999, "array:9999", 1)
    assert tasks[10_000] == Task(10_000, "single", 1)


def test_a_job_that_isnt_there_is_said_so(account: JobAccount) -> None:
    with pytest.raises(JobNotFound):
        read_record(account.aws, TABLE, "demo")
    with pytest.raises(InvalidJob):
        read_record(account.aws, TABLE, "no job")


def test_the_task_of_an_item_follows_from_its_place_in_the_universe(account: JobAccount) -> None:
    account.job("demo", items_per_task={"N": "2"}, attempt={"N": "2"})
    account.universe("demo", ["A", "B", "C"], ["D"])
    account.universe("demo", ["D"], run=2)
    record = read_record(account.aws, TABLE, "demo")
    found = {
        item: task_of_item(account.aws, TABLE, record, 1, item) for item in ("A", "C", "D", "E")
    }
    assert found == {"A": 0, "C": 1, "D": 1, "E": None}
    assert task_of_item(account.aws, TABLE, record, 2, "D") == 0


@pytest.mark.parametrize("job_id", ["demo", "demo-r2", "demo-1-r3"])
def test_earlier_runs_of_a_job_are_told_apart_by_the_names_that_the_splitter_gives(
    account: JobAccount, job_id: str
) -> None:
    runs = {
        f"run-{run}": split_into_batch_jobs(job_id, run, Slices(1, 1))[0].name for run in (1, 2, 3)
    }
    earlier = batch_jobs(("run-1", 0, 2), ("forgotten", 2, 1), ("run-2", 0, 1), ("run-3", 0, 1))
    account.job(job_id, attempt={"N": "4"}, earlier_batch_jobs=earlier)
    for batch_id, name in runs.items():
        account.child(batch_id, "FAILED", jobName=name)
    found = earlier_batch_jobs(account.aws, read_record(account.aws, TABLE, job_id))
    assert [(each.id, each.run) for each in found] == [("run-1", 1), ("run-2", 2), ("run-3", 3)]


def test_every_attempt_of_a_task_has_its_log_the_running_one_as_well(account: JobAccount) -> None:
    account.child("array:0", "RUNNING", "one", "two")
    account.child("array:1", "SUCCEEDED", "three")
    account.child("array:2", "RUNNABLE")
    tasks = [Task(number, f"array:{number}", 1) for number in range(4)]
    found = list(describe(account.aws, tasks))
    assert [child.task.number for child in found] == [0, 1, 2]
    streams = [(a.task.number, a.number, a.stream) for child in found for a in child.attempts]
    assert streams == [(0, 1, "one"), (0, 2, "two"), (1, 1, "three")]


def test_batch_is_asked_for_a_hundred_tasks_at_once(account: JobAccount) -> None:
    for number in range(250):
        account.child(f"array:{number}", "SUCCEEDED")
    tasks = (Task(number, f"array:{number}", 1) for number in range(250))
    assert len(list(describe(account.aws, tasks))) == 250
    assert account.calls == ["DescribeJobs"] * 3


def test_lines_of_many_streams_come_in_the_order_of_time(account: JobAccount) -> None:
    account.write("one", (0, "begin"), (30, "end"))
    account.write("two", (10, "begin"), (20, "end"))
    reader = LogReader(account.aws, GROUP)
    attempts = [attempt(0, 1, "one"), attempt(1, 2, "two"), attempt(2, 1, None)]
    assert texts(reader.read(attempts)) == ["0.1 begin", "1.2 begin", "1.2 end", "0.1 end"]
    assert texts(reader.read(attempts, BEGAN_MS + 20)) == ["1.2 end", "0.1 end"]


def test_a_stream_that_isnt_there_yet_has_no_lines(account: JobAccount) -> None:
    assert list(LogReader(account.aws, GROUP).read([attempt(0, 1, "soon")])) == []


def test_a_missing_stream_hides_none_of_the_hundred_that_are_asked_for_with_it(
    account: JobAccount,
) -> None:
    """FilterLogEvents refuses them all for one; what is there still comes in the order of time."""
    there = [number for number in range(100) if number not in (13, 77)]
    for number in there:
        account.write(f"stream-{number}", (1000 - number, "said"))
    refuse_missing_streams(account, [f"stream-{number}" for number in there])
    attempts = [attempt(number, 1, f"stream-{number}") for number in range(100)]
    read = [line.task for line in LogReader(account.aws, GROUP).read(attempts)]
    assert read == there[::-1]
    assert account.calls.count("FilterLogEvents") <= 30


def test_without_its_log_group_a_job_has_no_lines_and_streams_are_not_looked_for(
    account: JobAccount,
) -> None:
    attempts = [attempt(number, 1, f"stream-{number}") for number in range(100)]
    assert list(LogReader(account.aws, "/gone").read(attempts)) == []


def refuse_missing_streams(account: JobAccount, there: list[str]) -> None:
    """Answer as AWS does for a stream that isn't there; moto leaves its lines out."""

    def refuse(params: dict[str, Any], **_: Any) -> None:
        account.calls.append("FilterLogEvents")
        if not set(params["logStreamNames"]) <= set(there):
            message = "The specified log stream does not exist."
            answer: Any = {"Error": {"Code": "ResourceNotFoundException", "Message": message}}
            raise ClientError(answer, "FilterLogEvents")

    events = account.aws.connection.client("logs").meta.events
    events.register("before-parameter-build.cloudwatch-logs.FilterLogEvents", refuse)


@pytest.mark.parametrize("a_page", [2, 3, 10_000])
def test_no_line_is_lost_or_told_twice_at_the_ends_of_pages(
    account: JobAccount, a_page: int
) -> None:
    lines = [(at // 2, "the same text") for at in range(9)]
    account.write("one", *lines)
    read = list(LogReader(account.aws, GROUP, a_page).read([attempt(0, 1, "one")]))
    assert [line.written_at - BEGAN_MS for line in read] == [at for at, _ in lines]


@pytest.mark.parametrize("a_page", [3, 4, 100])
def test_pages_without_tokens_are_gone_on_from_by_time(account: JobAccount, a_page: int) -> None:
    """As the local cloud gives them: no tokens, no ids, cut at the limit."""
    events = [
        {"logStreamName": "one", "timestamp": BEGAN_MS + at // 2, "message": "same"}
        for at in range(9)
    ]

    def cut(parsed: dict[str, object], **_: object) -> None:
        start = starts.pop()
        parsed.clear()
        parsed["events"] = [e for e in events if e["timestamp"] >= start][:a_page]  # type: ignore[operator]

    def asked(params: dict[str, int], **_: object) -> None:
        starts.append(params.get("startTime", 0))

    starts: list[int] = []
    client = account.aws.connection.client("logs")
    client.meta.events.register("provide-client-params.logs.FilterLogEvents", asked)
    client.meta.events.register("after-call.logs.FilterLogEvents", cut)
    account.write("one", (0, "there"))
    read = list(LogReader(account.aws, GROUP, a_page).read([attempt(0, 1, "one")]))
    assert len(read) == 9


def test_following_tells_each_line_once_until_every_task_has_ended(account: JobAccount) -> None:
    tasks = [Task(0, "array:0", 1), Task(1, "array:1", 1)]
    account.child("array:0", "RUNNING", "one")
    account.child("array:1", "RUNNABLE")
    account.write("one", (0, "first"))
    account.write("two", (5, "second"))
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 1:
            account.write("one", (10, "reclaimed"))
            account.child("array:0", "RUNNING", "one", "again")
            account.child("array:1", "SUCCEEDED", "two")
        if len(pauses) == 2:
            account.write("again", (20, "again"))
            account.child("array:0", "SUCCEEDED", "one", "again")
        if len(pauses) == 3:
            account.write("again", (21, "late"))

    told = texts(Tail(LogReader(account.aws, GROUP), tasks).lines(pause))
    assert told == ["0.1 first", "0.1 reclaimed", "1.1 second", "0.2 again", "0.2 late"]
    assert len(pauses) == 2 + POLLS_AFTER_THE_END - 1
    assert account.calls.count("DescribeJobs") == 3


def test_following_ends_when_batch_has_forgotten_the_tasks(account: JobAccount) -> None:
    pauses: list[float] = []
    tail = Tail(LogReader(account.aws, GROUP), [Task(0, "gone", 1)])
    assert list(tail.lines(pauses.append)) == []
    assert len(pauses) == MAX_UNKNOWN_POLLS - 1


def test_following_starts_where_it_is_told_to(account: JobAccount) -> None:
    account.child("single", "SUCCEEDED", "one")
    account.write("one", (0, "early"), (100, "late"))
    tail = Tail(LogReader(account.aws, GROUP), [Task(0, "single", 1)], since_ms=BEGAN_MS + 50)
    assert texts(tail.lines(lambda _: None)) == ["0.1 late"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30s", "2027-01-15T07:59:30.000Z"),
        ("10m", "2027-01-15T07:50:00.000Z"),
        ("2h", "2027-01-15T06:00:00.000Z"),
        ("1d", "2027-01-14T08:00:00.000Z"),
        ("2027-01-15T00:00:00+01:00", "2027-01-14T23:00:00.000Z"),
    ],
)
def test_since_is_an_age_or_a_time(text: str, expected: str) -> None:
    assert iso(since(text, 1_800_000_000.0)) == expected


@pytest.mark.parametrize("text", ["", "10", "10 minutes", "yesterday", "10w"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="could not read `--since"):
        since(text, 0.0)
