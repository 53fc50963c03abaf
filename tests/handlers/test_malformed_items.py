"""Whatever a stranger writes into the table: no reader fails, and all that is good is answered."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from batch_double import BatchDouble
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jobs_left import Jobs
from strange_items import (
    ATTRIBUTES,
    DEEP,
    RECORD,
    RECORDS,
    SORT_KEYS,
    VALUES,
    result_of,
    write,
)
from surroundings import A_JOB, Clock, lambda_context

from batchctl.contract.control import parse
from batchctl.contract.fields import MAX_KEY_CHARACTERS
from batchctl.contract.job_record import from_item
from batchctl.contract.limits import MAX_RESULT_DEPTH
from batchctl.contract.retention import Retention
from batchctl.contract.statuses import Status
from batchctl.contract.table import key, results_partition
from handlers import receiver, tracker, wiring
from handlers.log import line, logger
from handlers.store.jobs import JobStore
from handlers.store.malformed import skipped
from handlers.tracking.cancel import Canceller
from handlers.tracking.retry import Invocation, Retrier

Get = Callable[..., tuple[int, Any]]
ITEMS = 4

# The table is emptied by each example; making one anew is what would take the time.
EXAMPLES = settings(
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the functions warn of in their log."""
    noted: list[dict[str, Any]] = []

    def warn(message: str, **fields: Any) -> None:
        noted.append({"message": message, **fields})

    monkeypatch.setattr(logger, "warning", warn)
    return noted


def pages(get: Get, path: str, member: str, limit: int) -> Iterator[tuple[str, Any]]:
    """All that there is behind a path, page by page; each page must be answered."""
    following: dict[str, str] = {}
    for _ in range(200):
        status, body = get(path, limit=str(limit), **following)
        assert status == 200, body
        found = body[member]
        yield from found.items() if isinstance(found, dict) else ((e["job_id"], e) for e in found)
        if "next" not in body:
            return
        following = {"next": body["next"]}
    raise AssertionError("the pages have no end")


def emptied(table: JobStore) -> None:
    for item in table.client.scan(TableName=table.name)["Items"]:
        keys: Any = {name: item[name] for name in ("job_id", "item")}
        table.client.delete_item(TableName=table.name, Key=keys)


def with_good_jobs(jobs: Jobs, batch: BatchDouble) -> None:
    """Have `demo-1`, which has ended, with all its results, and `good`, which waits."""
    emptied(jobs.table)
    batch.jobs.clear()
    jobs.queued(2, job_id="good")
    batch.end(jobs.submitted(ITEMS), "SUCCEEDED")
    for number in range(ITEMS):
        jobs.result(f"item-{number}", result={"S": f'{{"n": {number}}}'})


@EXAMPLES
@given(
    strange=st.lists(st.tuples(SORT_KEYS, ATTRIBUTES), min_size=1, max_size=6),
    listed=st.lists(st.tuples(st.text(st.characters(codec="utf-8"), min_size=1), RECORDS)),
    limit=st.integers(1, 4),
)
def test_every_good_item_is_answered_among_strange_ones(
    get: Get,
    jobs: Jobs,
    batch: BatchDouble,
    strange: list[tuple[str, dict[str, Any]]],
    listed: list[tuple[str, dict[str, Any]]],
    limit: int,
) -> None:
    with_good_jobs(jobs, batch)
    for sort_key, attributes in strange:
        write(jobs.table, "demo-1", sort_key, attributes)
    for job_id, attributes in listed:
        if job_id not in ("demo-1", "good"):
            write(jobs.table, job_id, "JOB", attributes)
    write(jobs.table, "demo-1", "RESULT#zz", RECORD)  # listed as a job, which it isn't

    found = dict(pages(get, "/v1/tasks/demo-1", "results", limit))
    shown = [job_id for job_id, _ in pages(get, "/v1/tasks", "jobs", limit)]

    for number in range(ITEMS):
        assert found[f"item-{number}"]["result"] == {"n": number}
    assert {each["status"] for each in found.values()} <= {"SUCCEEDED", "FAILED"}
    assert [shown.count(name) for name in ("demo-1", "good")] == [1, 1]


@EXAMPLES
@given(record=RECORDS, universe=VALUES)
def test_whatever_a_jobs_own_record_says_is_no_fault(
    get: Get,
    put: Callable[[dict[str, Any]], tuple[int, Any]],
    event: Callable[[str], dict[str, Any]],
    jobs: Jobs,
    batch: BatchDouble,
    canceller: Canceller,
    retrier: Retrier,
    record: dict[str, Any],
    universe: dict[str, Any],
) -> None:
    with_good_jobs(jobs, batch)
    assert write(jobs.table, "demo-1", "JOB", record)
    write(jobs.table, "demo-1", "UNIVERSE#00000000", {"items": universe})

    assert get()[0] in (200, 404, 409)
    assert "good" in [job_id for job_id, _ in pages(get, "/v1/tasks", "jobs", 1)]
    assert put(event("alb_put"))[0] in (200, 202, 409)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(wiring, "canceller", lambda: canceller)
        patched.setattr(wiring, "retrier", lambda: retrier)
        for action in ("cancel", "retry", "cancel"):
            answer = tracker.handler({"action": action, "job_id": "demo-1"}, lambda_context())
            assert answer is not None
            assert answer.get("code", 200) in (200, 404, 409)


@pytest.mark.parametrize(
    "changed",
    [
        {"status": {"S": "LOST"}},
        {"status": {"L": []}},
        {"items": {"N": "9" * 38}},
        {"items": {"S": "4"}},
        {"items_per_task": {"N": "0"}},
        {"attempt": {"N": "1E+125"}},
        {"created_at": {"S": "2026-13-41T99:99:99.000000Z"}},
        {"batch_jobs": {"L": [{"M": {"id": {"S": "\n"}, "first_task": {"N": "0"}}}]}},
        {"batch_jobs": {"L": RECORD["batch_jobs"]["L"] * 2}},
        {"overrides": {"M": {"memory_mib": {"N": "2.5"}}}},
    ],
)
def test_a_job_whose_record_is_spoilt_is_a_409_and_the_list_leaves_it_out(
    get: Get, jobs: Jobs, batch: BatchDouble, warnings: list[Any], changed: dict[str, Any]
) -> None:
    with_good_jobs(jobs, batch)
    write(jobs.table, "demo-1", "JOB", {**RECORD, **changed})

    status, body = get()

    assert (status, body) == (
        409,
        {"error": "the record of this job is damaged: submit it under another id"},
    )
    assert [job_id for job_id, _ in pages(get, "/v1/tasks", "jobs", 10)][-1] == "good"
    assert warnings[0]["message"] == "skipped a malformed item"
    assert warnings[0]["first"] == '"demo-1/JOB"'


def test_a_flood_of_malformed_items_is_one_line_in_the_log(
    get: Get, jobs: Jobs, batch: BatchDouble, warnings: list[Any]
) -> None:
    with_good_jobs(jobs, batch)
    get()
    warnings.clear()
    for number in range(30):
        name = f"RESULT#\x1b[2J\n\u202e\x7f{number:02d}" + "x" * 300
        write(jobs.table, results_partition("demo-1"), name, {"status": {"N": "1"}})

    status, body = get()

    assert (status, len(body["results"])) == (200, ITEMS)
    assert [(each["message"], each["items"]) for each in warnings] == [
        ("skipped a malformed item", 30)
    ]
    first = warnings[0]["first"]
    assert first.startswith('"demo-1#RESULTS/RESULT#\\u001b[2J\\n\\u202e\\u007f00')
    assert first.isascii()
    assert first.isprintable()
    assert len(first) == MAX_KEY_CHARACTERS
    assert skipped.count == 0


def test_a_log_line_is_printable_ascii_whatever_is_in_it() -> None:
    text = "".join(map(chr, [*range(0x180), 0x202E, 0x2028, 0xD800, 0x1F600]))
    written = line({"message": text, "object": object, text: 1})
    assert written.isascii()
    assert written.isprintable()
    assert json.loads(written)["message"] == text


def test_the_functions_log_by_that_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    formatter: Any = logger.registered_formatter
    assert formatter.json_serializer is line
    assert {each.logger for each in (receiver, tracker)} == {logger}


def test_pages_end_behind_a_flood_of_strange_things_in_the_list(
    get: Get, jobs: Jobs, batch: BatchDouble
) -> None:
    with_good_jobs(jobs, batch)
    for number in range(12):
        created_at = {"S": f"~{number:02d}"}
        write(jobs.table, f"\u202e{number}", "JUNK", {**RECORD, "created_at": created_at})
    shown = [job_id for job_id, _ in pages(get, "/v1/tasks", "jobs", 1)]
    assert sorted(shown) == ["demo-1", "good"]


def test_pages_of_results_end_behind_a_flood_of_strange_ones(
    get: Get, jobs: Jobs, batch: BatchDouble
) -> None:
    with_good_jobs(jobs, batch)
    for number in range(12):
        write(jobs.table, results_partition("demo-1"), f"RESULT#a{number:02d}", {})
    found = dict(pages(get, "/v1/tasks/demo-1", "results", 1))
    assert sorted(found) == [f"item-{number}" for number in range(ITEMS)]


@pytest.mark.parametrize(
    ("stored", "is_parsed"),
    [
        ("[" * MAX_RESULT_DEPTH + "]" * MAX_RESULT_DEPTH, True),
        ("[" * (MAX_RESULT_DEPTH + 1) + "]" * (MAX_RESULT_DEPTH + 1), False),
        (DEEP, False),
        ('{"a": ' * 990 + "1" + "}" * 990, False),
        ('{"x": 1e999}', False),
        ('{"x": [-1e999]}', False),
    ],
)
def test_a_result_that_json_readers_could_not_take_is_given_as_its_text(
    get: Get, jobs: Jobs, stored: str, *, is_parsed: bool
) -> None:
    jobs.queued()
    jobs.result("a", result={"S": stored})
    expected = json.loads(stored) if is_parsed else stored
    assert get()[1]["results"]["a"]["result"] == expected


def test_a_record_too_large_to_be_changed_spoils_no_other_job(
    get: Get, jobs: Jobs, batch: BatchDouble
) -> None:
    with_good_jobs(jobs, batch)
    item = jobs.table.client.get_item(TableName=jobs.table.name, Key=key("demo-1"))["Item"]
    write(jobs.table, "demo-1", "JOB", {**item, "error": {"S": "x" * 408_700}})
    assert get()[1]["status"] == "SUCCEEDED"
    shown = dict(pages(get, "/v1/tasks", "jobs", 10))
    assert {name: each["status"] for name, each in shown.items()} == {
        "demo-1": "SUCCEEDED",
        "good": "QUEUED",
    }


def test_a_retry_does_again_what_has_a_malformed_result(
    jobs: Jobs, batch: BatchDouble, retrier: Retrier
) -> None:
    with_good_jobs(jobs, batch)
    batch.end(next(iter(batch.jobs)), "FAILED")
    write(jobs.table, results_partition("demo-1"), "RESULT#item-2", {"status": {"L": []}})
    answer = retrier.retry(
        parse({"action": "retry", "job_id": "demo-1"}), Invocation("call", 60_000), 1e12
    )
    assert (answer.status, answer.items_to_do) == (Status.QUEUED, 1)
    assert list(jobs.universe.read(A_JOB, run=2)) == ["item-2"]
    ends = dict(retrier.store.results.ends(results_partition("demo-1")))
    assert "item-2" not in ends


@pytest.mark.parametrize("job_id", ["a%0Ab", "%1b[31m", "a" * 101, "%E2%80%AE", "<script>", "a.b"])
def test_an_id_that_no_job_can_have_is_neither_echoed_nor_logged(
    get: Get, jobs: Jobs, monkeypatch: pytest.MonkeyPatch, job_id: str
) -> None:
    logged: list[Any] = []
    monkeypatch.setattr(logger, "append_keys", lambda **keys: logged.append(keys))
    status, body = get(f"/v1/tasks/{job_id}")
    assert (status, logged) == (404, [])
    assert body["error"] in (
        "no job has such an id: it takes letters, digits, `_` and `-`",
        "not found",
    )


@pytest.mark.parametrize("job_id", ["", "a b", "\x1b", 7, None, "a" * 101])
def test_a_command_for_an_id_that_no_job_can_have_is_refused(job_id: object) -> None:
    answer = tracker.handler({"action": "cancel", "job_id": job_id}, lambda_context())
    assert answer == {"error": "`job_id` must be the id of a job", "code": 400}


def test_a_record_that_is_right_is_read(clock: Clock) -> None:
    job = from_item({"job_id": {"S": "a"}, **RECORD})
    assert (job.items, job.batch_jobs[0].id, job.expires_at) == (4, "batch-1", None)
    assert not Retention(1).is_over(job.finished_at, clock())
    assert result_of(1)["status"] == {"S": "SUCCEEDED"}
