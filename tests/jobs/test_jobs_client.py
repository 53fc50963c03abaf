"""The client of jobs against a scripted API on loopback."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from scripted_api import Api, Clock

from batchctl.errors import UsageError
from batchctl.jobs import (
    Counts,
    InvalidJob,
    Job,
    JobConflict,
    JobNotFound,
    JobsClient,
    JobSummary,
    Result,
    StillRunning,
    Submitted,
    TooLarge,
    Unreachable,
)
from batchctl.jobs.api import requests
from batchctl.jobs.api.new_task import API_GATEWAY, LOAD_BALANCER, Door

Connect = Callable[..., JobsClient]

QUEUED = {"job_id": "demo-1", "status": "QUEUED", "tasks": 2, "href": "/v1/tasks/demo-1"}


def job(status: str, **more: Any) -> dict[str, object]:
    return {
        "job_id": "demo-1",
        "status": status,
        "created_at": "2026-11-23T10:00:00.000001Z",
        "items": 2,
        "tasks": {"total": 2, "pending": 1, "running": 0, "succeeded": 1, "failed": 0},
        "results": {},
        **more,
    }


# submit


def test_a_new_job_is_sent_as_compact_json(api: Api, client: JobsClient) -> None:
    api.answer(202, QUEUED)
    submitted = client.submit("demo-1", ["000002.XSHE", "浦发银行"], {"paths": 10})
    assert submitted == Submitted("demo-1", "QUEUED", 2, "/v1/tasks/demo-1", created=True)
    (asked,) = api.asked
    assert (asked.method, asked.target) == ("PUT", "/v1/new-task")
    assert asked.headers["content-type"] == "application/json"
    assert asked.body.decode() == (
        '{"job_id":"demo-1","universe":["000002.XSHE","浦发银行"],"parameters":{"paths":10}}'
    )


def test_parameters_are_left_out_when_there_are_none(api: Api, client: JobsClient) -> None:
    api.answer(202, QUEUED)
    client.submit("demo-1", ["A"])
    assert json.loads(api.asked[0].body) == {"job_id": "demo-1", "universe": ["A"]}


def test_the_same_job_again_is_told_as_not_created(api: Api, client: JobsClient) -> None:
    api.answer(200, QUEUED | {"status": "RUNNING"})
    submitted = client.submit("demo-1", ["A"])
    assert (submitted.created, submitted.status) == (False, "RUNNING")


def test_a_submission_whose_answer_is_lost_is_sent_again(api: Api, client: JobsClient) -> None:
    api.answer(0, b"")
    api.answer(202, QUEUED)
    assert client.submit("demo-1", ["A"]).created
    assert [asked.method for asked in api.asked] == ["PUT", "PUT"]
    assert api.asked[0].body == api.asked[1].body


def test_other_content_under_the_same_id_is_a_conflict(api: Api, client: JobsClient) -> None:
    api.answer(409, {"error": "belongs to another job", "field": "job_id"})
    with pytest.raises(JobConflict, match="a job of this id has another universe"):
        client.submit("demo-1", ["A"])


def test_a_job_that_the_api_refuses_names_the_field(api: Api, client: JobsClient) -> None:
    api.answer(400, {"error": "must be smaller", "field": "universe[0]"})
    with pytest.raises(InvalidJob) as raised:
        client.submit("demo-1", ["A"])
    assert raised.value.message == "could not submit the job: `universe[0]` must be smaller"
    assert (raised.value.field, raised.value.exit_code) == ("universe[0]", 2)


def test_what_the_front_door_finds_too_large_is_told_with_its_size(
    api: Api, client: JobsClient
) -> None:
    api.answer(413, b"<html>413 Request Entity Too Large</html>")
    with pytest.raises(TooLarge, match="it has 36 bytes of JSON, which is too much"):
        client.submit("demo-1", ["A"])


def parts_of(api: Api) -> list[dict[str, Any]]:
    return [json.loads(asked.body) for asked in api.asked]


def test_what_no_request_holds_is_sent_in_parts_of_one_way_to_cut_it(
    api: Api, connect: Connect
) -> None:
    api.answer(202, {"job_id": "demo-1", "parts": {"received": 1, "of": 3}})
    api.answer(202, {"job_id": "demo-1", "parts": {"received": 2, "of": 3}})
    api.answer(202, QUEUED)
    items = [hashlib.sha256(str(index).encode()).hexdigest() for index in range(40_000)]
    sent: list[tuple[int, int]] = []
    for door in (LOAD_BALANCER, Door(2_000_000)):
        connect(api.endpoint, door=door).submit(
            "demo-1", items, {"x": 1}, on_part=lambda *part: sent.append(part)
        )
    bodies = parts_of(api)
    assert bodies[:3] == bodies[3:]
    assert [body["part"] for body in bodies[:3]] == [{"number": n, "of": 3} for n in (1, 2, 3)]
    assert [item for body in bodies[:3] for item in body["universe"]] == items
    assert all(body["parameters"] == {"x": 1} for body in bodies)
    assert max(len(asked.body) for asked in api.asked) < 1_000_000
    assert sent == [(1, 3), (2, 3), (3, 3)] * 2


def test_a_part_that_is_another_jobs_is_a_conflict(api: Api, client: JobsClient) -> None:
    api.answer(409, {"error": "belongs to another upload", "field": "job_id"})
    items = [hashlib.sha256(str(index).encode()).hexdigest() for index in range(40_000)]
    with pytest.raises(JobConflict):
        client.submit("demo-1", items)
    assert len(api.asked) == 1


def test_more_than_comes_through_in_parts_is_not_sent(
    api: Api, client: JobsClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "MAX_UNIVERSE_BYTES", 2_000_000)
    items = [hashlib.sha256(str(index).encode()).hexdigest() for index in range(40_000)]
    with pytest.raises(TooLarge, match="it has 2,680,000 bytes of JSON, at most 2,000,000 pass"):
        client.submit("demo-1", items)
    assert api.asked == []


def test_what_would_be_too_large_is_compressed(api: Api, client: JobsClient) -> None:
    api.answer(202, QUEUED)
    items = [f"ITEM-{index}" for index in range(100_000)]
    client.submit("demo-1", items)
    (asked,) = api.asked
    assert asked.headers["content-encoding"] == "gzip"
    assert len(asked.body) < 400_000
    assert json.loads(gzip.decompress(asked.body))["universe"] == items


def test_another_front_door_may_have_another_limit(api: Api, connect: Connect) -> None:
    api.answer(202, QUEUED)
    items = [f"ITEM-{index}" for index in range(100_000)]
    connect(api.endpoint, door=Door(6_000_000)).submit("demo-1", items)
    assert len(json.loads(api.asked[0].body)["universe"]) == 100_000


def test_api_gateways_limit_counts_the_body_as_it_stands_in_the_functions_event(
    api: Api, connect: Connect
) -> None:
    api.answer(202, QUEUED)
    client = connect(api.endpoint, door=API_GATEWAY)
    client.submit("demo-1", [f"{index:05}" for index in range(100_000)])
    assert len(api.asked[0].body) > 700_000
    quotes = [f"{index:05}" + '"' * 60 for index in range(26_000)]
    client.submit("demo-1", quotes)
    parts = [each.body for each in api.asked[1:]]
    assert len(parts) > 1, "3.5 MB in one request would be 6.6 MB in the event"
    assert all(API_GATEWAY.measure(body) <= API_GATEWAY.limit_bytes for body in parts)


@pytest.mark.parametrize(
    ("job", "told"),
    [
        (("", ["A"], {}), "`job_id` must have 1 to 100 letters"),
        (("-a", ["A"], {}), "`job_id` must have 1 to 100 letters"),
        (("a\n", ["A"], {}), r"`job_id` must have 1 to 100 letters.*, is 'a\\n'"),
        (("a" * 101, ["A"], {}), "`job_id` must have 1 to 100 letters"),
        (("a", [], {}), "`universe` must have 1 to 1,000,000 items, has 0"),
        (("a", ["A", ""], {}), r"`universe\[1\]` must have 1 to 256 characters, has 0"),
        (("a", ["A" * 257], {}), r"`universe\[0\]` must have 1 to 256 characters, has 257"),
        (
            ("a", ["😀" * 255], {}),
            r"`universe\[0\]` must have at most 1017 bytes in UTF-8, has 1020",
        ),
        (("a", ["\udcff"], {}), r"`universe\[0\]` must be text that UTF-8 can encode"),
        (("a", ["B", "A", "A"], {}), r"`universe\[2\]` must be distinct: universe\[1\] is `A`"),
        (("a", ["A"], {"a": "b" * 16384}), "`parameters` must have at most 16,384 bytes"),
        (("a", ["A"], {"a": float("nan")}), "`parameters` must be a JSON object"),
        (("a", ["A"], {"a": "\udcff"}), "`parameters` must be a JSON object"),
        (("a", ["A"], {"a": {1, 2}}), "`parameters` must be a JSON object"),
    ],
)
def test_what_breaks_a_rule_is_not_sent(
    api: Api, client: JobsClient, job: tuple[str, list[str], dict[str, object]], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        client.submit(*job)
    assert api.asked == []


# show and list


def test_a_job_is_shown_with_its_results(api: Api, client: JobsClient) -> None:
    api.answer(
        200,
        job(
            "FAILED",
            finished_at="2026-11-23T10:00:05.500000Z",
            results={
                "A": {"status": "SUCCEEDED", "result": {"x": 1}, "attempts": 1, "seconds": 0.5},
                "B": {"status": "FAILED", "error": "ValueError: no", "attempts": 3},
            },
            next="abc",
            new_field="ignored",
        ),
    )
    assert client.show("demo-1") == Job(
        job_id="demo-1",
        status="FAILED",
        created_at=datetime(2026, 11, 23, 10, 0, 0, 1, tzinfo=UTC),
        finished_at=datetime(2026, 11, 23, 10, 0, 5, 500_000, tzinfo=UTC),
        items=2,
        tasks=Counts(total=2, pending=1, running=0, succeeded=1, failed=0),
        results=(
            Result("A", "SUCCEEDED", result={"x": 1}, attempts=1, seconds=0.5),
            Result("B", "FAILED", error="ValueError: no", attempts=3),
        ),
        next="abc",
    )
    assert api.asked[0].target == "/v1/tasks/demo-1"


def test_limit_and_next_are_encoded(api: Api, client: JobsClient) -> None:
    api.answer(200, job("RUNNING"))
    client.show("demo-1", limit=5, after="a+b/c d=")
    assert api.asked[0].target == "/v1/tasks/demo-1?limit=5&next=a%2Bb%2Fc%20d%3D"


def test_an_unknown_job_is_not_found(api: Api, client: JobsClient) -> None:
    api.answer(404, {"error": "no job `demo-1`"})
    with pytest.raises(JobNotFound, match="could not find job `demo-1`") as raised:
        client.show("demo-1")
    assert raised.value.exit_code == 1


def test_what_cant_be_a_job_id_is_refused_without_asking(api: Api, client: JobsClient) -> None:
    with pytest.raises(InvalidJob, match="could not read the job: `job_id` must have"):
        client.show("../new-task")
    assert api.asked == []


def test_jobs_are_listed_page_by_page(api: Api, client: JobsClient) -> None:
    listed = job("RUNNING") | {"tasks": 2}
    del listed["results"]
    api.answer(200, {"jobs": [listed], "next": "more"})
    api.answer(200, {"jobs": []})
    first = client.list(limit=1)
    created_at = datetime(2026, 11, 23, 10, 0, 0, 1, tzinfo=UTC)
    assert first.jobs == (JobSummary("demo-1", "RUNNING", created_at, None, items=2, tasks=2),)
    assert client.list(limit=1, after=first.next).next is None
    assert [a.target for a in api.asked] == ["/v1/tasks?limit=1", "/v1/tasks?limit=1&next=more"]


def test_a_bad_limit_is_told_as_the_api_tells_it(api: Api, client: JobsClient) -> None:
    api.answer(400, {"error": "must be a whole number from 1 to 100", "field": "limit"})
    with pytest.raises(InvalidJob, match="could not list jobs: `limit` must be a whole number"):
        client.list(limit=101)


# results


def test_results_are_read_page_by_page_as_they_are_asked_for(api: Api, client: JobsClient) -> None:
    api.answer(200, job("RUNNING", results={"A": {"status": "SUCCEEDED"}}, next="p2"))
    api.answer(200, job("SUCCEEDED", results={}, next="p3"))
    api.answer(200, job("SUCCEEDED", results={"B": {"status": "SUCCEEDED"}}))
    results = client.results("demo-1")
    assert api.asked == []
    assert next(results).item == "A"
    assert len(api.asked) == 1
    assert [result.item for result in results] == ["B"]
    assert [asked.target.partition("next=")[2] for asked in api.asked] == ["", "p2", "p3"]


# wait


def test_waiting_looks_often_first_and_then_less_often(
    api: Api, client: JobsClient, clock: Clock
) -> None:
    polls = 60
    for _ in range(polls):
        api.answer(200, job("RUNNING"))
    api.answer(200, job("SUCCEEDED"))
    seen: list[str] = []
    ended = client.wait("demo-1", lambda job: seen.append(job.status))
    assert seen == ["RUNNING"] * polls + ["SUCCEEDED"]
    assert ended.status == "SUCCEEDED"
    assert clock.slept[0] == 0.2
    assert clock.slept == sorted(clock.slept)
    assert clock.slept[-1] == 5


def test_the_end_of_a_job_is_seen_a_tenth_of_its_time_after_it_at_most(
    api: Api, client: JobsClient, clock: Clock
) -> None:
    for _ in range(26):
        api.answer(200, job("RUNNING"))
    api.answer(200, job("SUCCEEDED"))
    at: list[float] = []
    client.wait("demo-1", lambda _: at.append(clock()))
    assert all(after - before <= max(0.2, 0.1 * before) + 1e-9 for before, after in pairwise(at))
    assert at[-1] < 10


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "CANCELLED"])
def test_waiting_ends_with_the_job_whatever_its_end(
    api: Api, client: JobsClient, status: str
) -> None:
    api.answer(200, job(status))
    assert client.wait("demo-1", lambda _: None).status == status


def test_waiting_outlives_a_bad_minute(api: Api, client: JobsClient) -> None:
    for answer in [(503, b"no targets"), (502, b""), (0, b""), (500, b""), (504, {})] * 2:
        api.answer(*answer)
    api.answer(200, job("SUCCEEDED"))
    assert client.wait("demo-1", lambda _: None).ended


def test_an_api_that_goes_away_from_a_job_that_was_seen_is_followed_for_ten_minutes(
    api: Api, client: JobsClient, clock: Clock
) -> None:
    api.answer(200, job("RUNNING"))
    for _ in range(115):  # 0.2 s at first, then 5 s each: nine and a half minutes
        api.answer(503, b"no targets")
    api.answer(200, job("SUCCEEDED"))
    silences: list[tuple[str, float]] = []
    ended = client.wait("demo-1", lambda _: None, on_retry=lambda *each: silences.append(each))
    assert ended.ended
    assert silences[-1][0] == "status 503, no targets"
    assert 540 < silences[-1][1] < 600
    assert clock.now_s < 600


def test_an_api_that_never_showed_the_job_is_given_up_after_a_minute(
    api: Api, client: JobsClient, clock: Clock
) -> None:
    for _ in range(200):
        api.answer(503, b"no targets")
    with pytest.raises(Unreachable):
        client.wait("demo-1", lambda _: None)
    assert clock.now_s < 60


def test_waiting_ends_at_its_limit_and_the_job_goes_on(
    api: Api, client: JobsClient, clock: Clock
) -> None:
    api.answer(200, job("RUNNING"))
    with pytest.raises(StillRunning, match="it is RUNNING after 7 s"):
        client.wait("demo-1", lambda _: None, timeout_s=7)
    assert clock.now_s == pytest.approx(7)
