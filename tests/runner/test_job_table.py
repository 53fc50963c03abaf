"""Reading a task's slice and recording results, with DynamoDB's partial answers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import boto3
import pytest
from runner_jobs import Jobs

from batchctl.contract.progress import ProgressRecord
from batchctl.contract.reasons import Reason
from batchctl.runner.job_table import JobTable, JobTableError, Outcome, Slice

SUCCESS = Outcome('{"x":1}', None, tries=1, seconds=0.5)
FAILURE = Outcome(None, "ValueError: no", tries=3, seconds=0.25)


@pytest.fixture
def table(jobs: Jobs) -> JobTable:
    return JobTable(boto3.client("dynamodb"), "jobs")


@pytest.mark.parametrize(
    ("start", "stop"),
    [(0, 1), (249, 251), (250, 500), (0, 700), (499, 500), (690, 700), (690, 800), (123, 623)],
)
def test_slice_is_read_across_the_chunks(
    jobs: Jobs, table: JobTable, start: int, stop: int
) -> None:
    universe = [f"S{number}" for number in range(700)]
    jobs.put(universe)

    work = table.read(Slice("demo", start, stop))

    assert work.items == tuple(universe[start:stop])
    assert work.total == len(universe[start:stop])


def test_parameters_are_those_of_the_job(jobs: Jobs, table: JobTable) -> None:
    jobs.put(["A"], parameters='{"paths": 500, "nested": {"x": [1.5]}}')

    assert table.read(Slice("demo", 0, 1)).parameters == {"paths": 500, "nested": {"x": [1.5]}}


def test_recorded_success_is_not_done_again_but_a_failure_is(jobs: Jobs, table: JobTable) -> None:
    jobs.put(["A", "B", "C"])
    table.record("demo", "A", SUCCESS)
    table.record("demo", "B", FAILURE)

    work = table.read(Slice("demo", 0, 3))

    assert work.items == ("B", "C")
    assert work.total == 3


def test_another_run_works_on_its_own_universe(jobs: Jobs, table: JobTable) -> None:
    jobs.put([f"S{number}" for number in range(700)], parameters='{"x": 1}')
    left = [f"S{number}" for number in range(0, 600, 2)]
    jobs.put_run(2, left)

    work = table.read(Slice("demo", 240, 300, run=2))

    assert work.items == tuple(left[240:300])
    assert (work.total, work.parameters) == (60, {"x": 1})
    with pytest.raises(JobTableError, match="run 2 of job `demo` has 300 items"):
        table.read(Slice("demo", 300, 310, run=2))


def test_a_run_that_nobody_made_has_no_items(jobs: Jobs, table: JobTable) -> None:
    jobs.put(["A"])

    with pytest.raises(JobTableError, match="run 3 of job `demo` has 0 items"):
        table.read(Slice("demo", 0, 1, run=3))


def test_unknown_job_is_an_error(table: JobTable) -> None:
    with pytest.raises(JobTableError, match="table `jobs` has no job `demo`"):
        table.read(Slice("demo", 0, 1))


def test_task_beyond_the_universe_is_an_error(jobs: Jobs, table: JobTable) -> None:
    jobs.put(["A", "B"])

    with pytest.raises(JobTableError, match="has 2 items, and the task begins at item 2"):
        table.read(Slice("demo", 2, 3))


def test_missing_part_of_the_universe_is_an_error(jobs: Jobs, table: JobTable) -> None:
    jobs.put([f"S{number}" for number in range(600)])
    jobs.table.delete_item(Key={"job_id": "demo", "item": "UNIVERSE#00000001"})

    with pytest.raises(JobTableError, match="is incomplete: 350 of 600 items from item 0"):
        table.read(Slice("demo", 0, 600))


def test_results_of_more_items_than_one_call_takes_are_found(jobs: Jobs, table: JobTable) -> None:
    universe = [f"S{number}" for number in range(230)]
    jobs.put(universe)
    for item in universe[:-1]:
        jobs.put_result(item, status="SUCCEEDED")

    assert table.read(Slice("demo", 0, 230)).items == ("S229",)


def test_success_is_recorded_with_its_result(jobs: Jobs, table: JobTable) -> None:
    assert table.record("demo", "A", SUCCESS)

    assert jobs.results()["A"] == {
        "job_id": "demo#RESULTS",
        "item": "RESULT#A",
        "status": "SUCCEEDED",
        "result": '{"x":1}',
        "attempts": 1,
        "seconds": Decimal("0.5"),
    }


def test_a_crash_is_recorded_with_what_ended_the_process(jobs: Jobs, table: JobTable) -> None:
    crash = Outcome(
        None,
        "killed by SIGSEGV before compute returned",
        tries=2,
        seconds=1.5,
        reason=Reason.EXIT_CODE,
        exit_code=139,
        signal="SIGSEGV",
        peak_memory_mib=12.5,
    )

    table.record("demo", "A", crash)

    result = jobs.results()["A"]
    assert (result["reason"], result["exit_code"], result["signal"]) == (
        "EXIT_CODE",
        139,
        "SIGSEGV",
    )
    assert result["peak_memory_mib"] == Decimal("12.5")


def test_progress_is_one_record_a_task_in_a_partition_of_its_own(
    jobs: Jobs, table: JobTable
) -> None:
    for cells in (b"\0\0", b"\2\1"):
        table.record_progress("demo", ProgressRecord(2, 7, cells, at_once=4), expires_at=None)

    assert jobs.progress(run=2, task=7) == b"\2\1"


@pytest.mark.parametrize("chunk", [62, 125])
def test_the_universe_may_be_stored_in_smaller_parts(
    jobs: Jobs, table: JobTable, chunk: int
) -> None:
    universe = [f"S{number}" for number in range(300)]
    jobs.put(universe, chunk=chunk)

    work = table.read(Slice("demo", 100, 290, chunk=chunk))

    assert work.items == tuple(universe[100:290])


def test_failure_is_recorded_with_its_error(jobs: Jobs, table: JobTable) -> None:
    assert table.record("demo", "A", FAILURE)

    assert jobs.results()["A"]["status"] == "FAILED"
    assert jobs.results()["A"]["error"] == "ValueError: no"
    assert jobs.results()["A"]["reason"] == "EXCEPTION"
    assert "result" not in jobs.results()["A"]


def test_success_replaces_a_failure(jobs: Jobs, table: JobTable) -> None:
    table.record("demo", "A", FAILURE)

    assert table.record("demo", "A", SUCCESS)
    assert jobs.results()["A"]["result"] == '{"x":1}'


def test_failure_does_not_replace_a_success(jobs: Jobs, table: JobTable) -> None:
    table.record("demo", "A", SUCCESS)

    assert not table.record("demo", "A", FAILURE)
    assert jobs.results()["A"]["status"] == "SUCCEEDED"


class ReluctantClient:
    """A DynamoDB client that leaves keys unprocessed: all at first, then all but the first one."""

    def __init__(self, fruitless: int) -> None:
        self.client = boto3.client("dynamodb")
        self.fruitless = fruitless

    def batch_get_item(self, RequestItems: Any) -> dict[str, Any]:  # noqa: N803  # boto3's
        if self.fruitless:
            self.fruitless -= 1
            return {"Responses": {}, "UnprocessedKeys": RequestItems}
        request = RequestItems["jobs"]
        first: Any = {**request, "Keys": request["Keys"][:1]}
        rest = {**request, "Keys": request["Keys"][1:]}
        answer = self.client.batch_get_item(RequestItems={"jobs": first})
        return {**answer, "UnprocessedKeys": {"jobs": rest} if rest["Keys"] else {}}


def test_unprocessed_keys_are_asked_for_again(jobs: Jobs) -> None:
    jobs.put([f"S{number}" for number in range(600)])
    pauses: list[float] = []
    client: Any = ReluctantClient(fruitless=3)

    work = JobTable(client, "jobs", pauses.append).read(Slice("demo", 0, 600))

    assert len(work.items) == 600
    assert pauses[:3] == sorted(pauses[:3])


def test_table_that_stays_throttled_is_an_error(jobs: Jobs) -> None:
    pauses: list[float] = []
    client: Any = ReluctantClient(fruitless=99)

    with pytest.raises(JobTableError, match="stays throttled"):
        JobTable(client, "jobs", pauses.append).read(Slice("demo", 0, 1))

    assert len(pauses) == 9


def test_results_go_when_the_jobs_record_says_and_a_month_before_it(
    jobs: Jobs, table: JobTable
) -> None:
    jobs.put(["A"])
    set_attribute(jobs, "JOB", "expires_at", 1_800_000_000)

    work = table.read(Slice("demo", 0, 1))
    table.record("demo", "A", SUCCESS, work.expires_at)

    assert jobs.results()["A"]["expires_at"] == 1_800_000_000 - 30 * 86_400


def set_attribute(jobs: Jobs, item: str, name: str, value: Any) -> None:
    """Spoil a record, as a container of another job might."""
    jobs.table.update_item(
        Key={"job_id": "demo", "item": item},
        UpdateExpression="SET #name = :value",
        ExpressionAttributeNames={"#name": name},
        ExpressionAttributeValues={":value": value},
    )


@pytest.mark.parametrize(
    ("item", "name", "value", "message"),
    [
        ("JOB", "items", "2", "its `items`,"),
        ("JOB", "items", Decimal("1e37"), "its `items`,"),
        ("JOB", "items", Decimal(-1), "its `items`,"),
        ("JOB", "parameters", "no JSON", "its `parameters`,"),
        ("JOB", "parameters", "[]", "its `parameters`,"),
        ("JOB", "parameters", "[" * 100_000, "its `parameters`,"),
        ("JOB", "parameters", 7, "its `parameters`,"),
        ("JOB", "expires_at", "soon", "its `expires_at`,"),
        ("UNIVERSE#00000000", "items", "AB", "the universe"),
        ("UNIVERSE#00000000", "items", [], "the universe"),
        ("UNIVERSE#00000000", "items", ["A", 7], "the universe"),
        ("UNIVERSE#00000000", "items", ["A", ""], "the universe"),
        ("UNIVERSE#00000000", "items", ["A", "é" * 600], "the universe"),
        ("UNIVERSE#00000000", "items", {"S": "A"}, "the universe"),
    ],
)
def test_a_spoilt_record_is_a_clear_error(
    jobs: Jobs, table: JobTable, item: str, name: str, value: Any, message: str
) -> None:
    jobs.put(["A", "B"])
    set_attribute(jobs, item, name, value)

    with pytest.raises(JobTableError, match="of job `demo` is malformed") as raised:
        table.read(Slice("demo", 0, 2))
    assert message in str(raised.value)


@pytest.mark.parametrize("status", [7, ["SUCCEEDED"], None, "LOST", {"S": "SUCCEEDED"}])
def test_a_spoilt_result_is_computed_again(jobs: Jobs, table: JobTable, status: Any) -> None:
    jobs.put(["A", "B"])
    table.record("demo", "A", SUCCESS)
    jobs.put_result("B", status=status)

    work = table.read(Slice("demo", 0, 2))

    assert (work.items, work.malformed) == (("B",), 1)
    assert table.record("demo", "B", SUCCESS)


def test_an_item_that_stands_twice_in_a_spoilt_universe_is_asked_for_once(
    jobs: Jobs, table: JobTable
) -> None:
    jobs.put(["A", "B"])
    set_attribute(jobs, "UNIVERSE#00000000", "items", ["A", "A"])

    assert table.read(Slice("demo", 0, 2)).items == ("A", "A")


def test_items_have_their_own_parameters_wherever_their_slice_begins(
    jobs: Jobs, table: JobTable
) -> None:
    universe = [f"S{number}" for number in range(40)]
    jobs.put(universe, parameters='{"paths": 1, "seed": 7}')
    own = {at: f'{{"paths":{at}}}' for at in range(0, 40, 3)}
    jobs.put_chunks(universe, own, chunk=12)

    work = table.read(Slice("demo", 10, 30, chunk=12))

    assert work.items == tuple(universe[10:30])
    assert work.own == {f"S{at}": {"paths": at} for at in range(12, 30, 3)}
    assert work.parameters == {"paths": 1, "seed": 7}
