"""The API's pages: results of any size and number, the list of jobs, and what is malformed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from batch_double import BatchDouble
from jobs_left import Jobs
from surroundings import Clock

from batchctl.contract.job_record import JobRecord
from batchctl.contract.statuses import Status
from batchctl.contract.timestamps import timestamp
from handlers.http.page_tokens import _encoded
from handlers.store.jobs import JobStore
from handlers.store.results import MAX_PAGE_BYTES

STOPPED_MS = 1_790_000_123_456
STOPPED = "2026-09-21T14:15:23.456000Z"

Get = Callable[..., tuple[int, Any]]


def test_results_come_page_by_page_and_each_once(get: Get, jobs: Jobs) -> None:
    jobs.queued()
    items = ["000002.XSHE", "AAPL", "a b/#?&", "b", "é", "\U0001f600"]
    for item in items:
        jobs.result(item)

    seen: list[Any] = []
    following: dict[str, str] = {}
    for _ in range(3):
        _, body = get(limit="2", **following)
        seen += list(body["results"])
        following = {"next": body["next"]} if "next" in body else {}

    assert seen == items
    assert following == {}


def test_results_are_a_hundred_a_page_by_default(get: Get, jobs: Jobs) -> None:
    jobs.queued()
    for number in range(101):
        jobs.result(f"{number:03d}")
    _, body = get()
    assert (len(body["results"]), "next" in body) == (100, True)


@pytest.mark.parametrize("text", ["x" * 300_000, '"\\' * 80_000, "\U0001f600" * 60_000])
def test_big_results_make_short_pages(get: Get, jobs: Jobs, text: str) -> None:
    jobs.queued()
    for item in ("a", "b", "c", "d"):
        jobs.result(item, result={"S": json.dumps({"text": text}, ensure_ascii=False)})

    seen: list[Any] = []
    following = {"limit": "10"}
    while "next" in following or not seen:
        _, body = get(**following)
        seen += [(item, entry["result"]["text"] == text) for item, entry in body["results"].items()]
        following = {"next": body["next"]} if "next" in body else {}

    assert seen == [(item, True) for item in "abcd"]


def test_a_result_too_large_for_an_answer_says_so(get: Get, jobs: Jobs) -> None:
    jobs.queued()
    text = "\U0001f600" * 95_000
    jobs.result("a", result={"S": json.dumps(text, ensure_ascii=False)}, attempts={"N": "1"})
    assert len(json.dumps(text)) > MAX_PAGE_BYTES
    _, body = get()
    assert body["results"] == {
        "a": {
            "status": "SUCCEEDED",
            "attempts": 1,
            "error": "too large for an answer: read it from the job table",
        }
    }


@pytest.mark.parametrize("stored", ["not JSON", "NaN", '{"x": Infinity}', "[" * 100_000])
def test_a_result_that_is_no_json_is_given_as_it_stands(get: Get, jobs: Jobs, stored: str) -> None:
    jobs.queued()
    jobs.result("a", result={"S": stored})
    assert get()[1]["results"]["a"]["result"] == stored


@pytest.mark.parametrize("job_id", ["demo-2", "-", "a" * 200, "a.b", "%00"])
def test_an_unknown_job_is_a_404(get: Get, jobs: Jobs, job_id: str) -> None:
    status, body = get(f"/v1/tasks/{job_id}")
    assert status == 404
    assert body["error"].startswith("no job")


def test_a_job_id_may_come_percent_encoded(get: Get, jobs: Jobs) -> None:
    jobs.queued()
    assert get("/v1/tasks/demo%2D1")[1]["job_id"] == "demo-1"


def test_a_job_that_is_being_received_is_shown_to_nobody(
    get: Get, table: JobStore, clock: Clock
) -> None:
    table.create(JobRecord("demo-1", Status.RECEIVING, timestamp(clock()), 1, 1, "hash"))
    assert get()[0] == 404
    assert get("/v1/tasks") == (200, {"jobs": []})


@pytest.mark.parametrize("path", ["/v1/tasks", "/v1/tasks/demo-1"])
@pytest.mark.parametrize("limit", ["0", "-1", "1001", "1.5", "x", "", "\u0663", "9" * 50])
def test_a_malformed_limit_is_a_400(get: Get, jobs: Jobs, path: str, limit: str) -> None:
    jobs.queued()
    status, body = get(path, limit=limit)
    assert (status, body["field"]) == (400, "limit")


def _tokens() -> list[str]:
    malformed = [_encoded([]), _encoded(["a", "b"]), _encoded(["", ""]), _encoded(["x" * 2000])]
    return [
        *malformed,
        "",
        "?",
        "A",
        "W3g",
        "bnVsbA",
        "é",
        "%00",
        "WzFd",
        _encoded(["a", "b", "c"]),
    ]


@pytest.mark.parametrize("path", ["/v1/tasks", "/v1/tasks/demo-1"])
@pytest.mark.parametrize("token", _tokens())
def test_a_malformed_next_is_a_400(get: Get, jobs: Jobs, path: str, token: str) -> None:
    jobs.queued()
    status, body = get(path, next=token)
    assert (status, body["field"]) == (400, "next")


def test_jobs_are_listed_newest_first_page_by_page(get: Get, jobs: Jobs, clock: Clock) -> None:
    for number in range(5):
        jobs.queued(job_id=f"demo-{number}")
        clock.sleep(1)

    seen: list[Any] = []
    following: dict[str, str] = {}
    for _ in range(3):
        _, body = get("/v1/tasks", limit="2", **following)
        seen += [job["job_id"] for job in body["jobs"]]
        following = {"next": body["next"]} if "next" in body else {}

    assert seen == ["demo-4", "demo-3", "demo-2", "demo-1", "demo-0"]
    assert following == {}


def test_the_list_says_how_jobs_stand_now_with_one_call_to_batch(
    get: Get, jobs: Jobs, batch: BatchDouble, clock: Clock
) -> None:
    batch.set_children(jobs.submitted(job_id="demo-2"), RUNNING=1)
    clock.sleep(1)
    batch.end(jobs.submitted(job_id="demo-1"), "SUCCEEDED", STOPPED_MS)
    jobs.all_succeeded()
    batch.calls.clear()

    _, body = get("/v1/tasks")

    assert body["jobs"] == [
        {
            "job_id": "demo-1",
            "status": "SUCCEEDED",
            "created_at": "2026-09-21T14:13:21.000000Z",
            "finished_at": STOPPED,
            "items": 4,
            "tasks": 4,
            "item_counts": {"total": 4, "pending": 0, "running": 0, "succeeded": 4, "failed": 0},
        },
        {
            "job_id": "demo-2",
            "status": "RUNNING",
            "created_at": "2026-09-21T14:13:20.000000Z",
            "items": 4,
            "tasks": 4,
            "item_counts": {"total": 4, "pending": 3, "running": 1, "succeeded": 0, "failed": 0},
        },
    ]
    assert batch.calls == ["DescribeJobs"]
    batch.jobs.clear()
    assert get("/v1/tasks")[1]["jobs"][0]["status"] == "SUCCEEDED"


def test_the_list_gives_the_recorded_status_of_what_one_call_cannot_tell(
    get: Get, jobs: Jobs, batch: BatchDouble, clock: Clock
) -> None:
    batch.set_children(jobs.submitted(items=510_000, job_id="huge-1"), RUNNING=1)
    clock.sleep(1)
    batch.jobs[jobs.submitted(items=500_001, job_id="huge-2")]["status"] = "RUNNING"
    _, body = get("/v1/tasks")
    statuses = {job["job_id"]: job["status"] for job in body["jobs"]}
    assert statuses == {"huge-2": "RUNNING", "huge-1": "SUBMITTED"}
