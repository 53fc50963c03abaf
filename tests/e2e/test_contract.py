"""The HTTP API is the same behind each front door: one suite, run against all of them.

The doors are those of one application, which `up` changes over from one to the next.
"""

from __future__ import annotations

import itertools
import json
from typing import Any
from urllib.parse import quote

import pytest
from application import REGION, Application
from doors import Door
from fuzz import Fuzzer, Signature

pytestmark = pytest.mark.e2e

DOORS = {"alb": ("alb", "none"), "restapi": ("restapi", "none"), "signed": ("restapi", "iam")}
NUMBERS = itertools.count()
JSON = "application/json"


READ = ("AAPL", "a b/ä", "000002.XSHE")


# A REST API without signatures is the one with them, but for what `test_who_is_let_in.py` tries.
@pytest.fixture(
    scope="module",
    params=[
        pytest.param(door, marks=pytest.mark.exhaustive if door == "restapi" else ())
        for door in DOORS
    ],
)
def door(application: Application, request: pytest.FixtureRequest) -> Door:
    """Each front door in turn, with the job `read`, which has run, whoever came first.

    The other jobs of these tests stay in the queue, so that nothing has to wait for them.
    """
    opened = Door.open(application, *DOORS[request.param])
    universe = [argument for item in READ for argument in ("--universe", item)]
    application.local("submit", "--job-id", "read", *universe, "--param", "paths=100", "--wait")
    stop_splitting(application)
    return opened


def stop_splitting(application: Application) -> None:
    """Take the queue away from the splitter; the next `up` finds that and gives it back, empty."""
    functions, queues = application.client("lambda"), application.client("sqs")
    for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
        functions.delete_event_source_mapping(UUID=mapping["UUID"])
    for url in queues.list_queues()["QueueUrls"]:
        queues.purge_queue(QueueUrl=url)


def new_job(**more: Any) -> dict[str, Any]:
    """A job that nobody has submitted before."""
    return {"job_id": f"job-{next(NUMBERS)}", "universe": ["AAPL", "浦发"], **more}


@pytest.mark.parametrize("count", [40, pytest.param(120, marks=pytest.mark.exhaustive)])
def test_made_up_requests_are_answered_as_the_contract_says(
    door: Door, request: pytest.FixtureRequest, count: int
) -> None:
    auth = Signature(door.credentials, REGION) if door.credentials else None
    fuzzer = Fuzzer(door.endpoint, auth)
    # Other requests at each door: a job that the last one took is no new one here.
    fuzzer.send(count, list(DOORS).index(request.node.callspec.params["door"]))
    fuzzer.check_job("read")
    statuses = {status for _, status in fuzzer.answers}
    assert statuses >= {200, 202, 400, 404}
    assert fuzzer.answers.total() >= 3 * count / 4
    # A request that its door took for unsigned has tried nothing of what is behind it.
    assert 403 not in statuses


def test_a_job_is_taken_and_the_same_one_again_is_the_same(door: Door) -> None:
    job = new_job(parameters={"paths": 1000})
    first, again = door.put(job), door.put(job)
    path = f"/v1/tasks/{job['job_id']}"
    taken = {"job_id": job["job_id"], "status": "QUEUED", "tasks": 2, "href": path}
    assert (first.status, first.body, first.headers["content-type"]) == (202, taken, JSON)
    assert again.status == 200
    assert again.body["href"] == path
    assert door.put({**job, "universe": ["IBM"]}).status == 409


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"universe": ["A"]}, "job_id"),
        ({"job_id": "-", "universe": ["A"]}, "job_id"),
        ({"job_id": "a", "universe": ["A", "A"]}, "universe[1]"),
        ({"job_id": "a", "universe": ["A"], "parameters": 1}, "parameters"),
    ],
)
def test_a_field_that_breaks_a_rule_is_a_400_that_names_it(
    door: Door, content: Any, field: str
) -> None:
    refused = door.put(content)
    assert (refused.status, refused.body["field"]) == (400, field)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b"null"])
def test_a_body_that_is_no_job_is_a_400(door: Door, body: bytes) -> None:
    refused = door.ask("PUT", "/v1/new-task", body)
    assert refused.status == 400
    assert "error" in refused.body


@pytest.mark.parametrize("kind", ["application/octet-stream", "text/plain", "a/b; charset=utf-8"])
def test_a_job_is_taken_whatever_its_body_is_called(door: Door, kind: str) -> None:
    job = new_job()
    body = json.dumps(job, ensure_ascii=False).encode()
    assert door.ask("PUT", "/v1/new-task", body, {"content-type": kind}).status == 202
    assert door.get(f"/v1/tasks/{job['job_id']}").body["items"] == 2


def test_a_body_as_large_as_the_door_passes_and_a_larger_one_is_a_413(door: Door) -> None:
    small = json.dumps(new_job()).encode()
    padded = small + b" " * (1024 * 1024 - len(small))
    assert door.ask("PUT", "/v1/new-task", padded).status == 202
    assert door.ask("PUT", "/v1/new-task", b" " * (door.largest_body + 1)).status == 413


def test_a_job_is_read_with_its_results_page_by_page(door: Door) -> None:
    found: dict[str, Any] = {}
    path = "/v1/tasks/read?limit=1"
    while path:
        page = door.get(path).body
        assert len(page["results"]) <= 1
        found |= page["results"]
        following = page.get("next")
        path = f"/v1/tasks/read?limit=%31&next={quote(following, safe='')}" if following else ""
    assert set(found) == set(READ)
    assert {each["status"] for each in found.values()} == {"SUCCEEDED"}
    assert (page["status"], page["tasks"]["succeeded"]) == ("SUCCEEDED", len(READ))


def test_jobs_are_listed_page_by_page_newest_first(door: Door) -> None:
    jobs = [new_job()["job_id"] for _ in range(3)]
    for name in jobs:
        door.put({"job_id": name, "universe": ["A"]})
    first = door.get("/v1/tasks?limit=2").body
    second = door.get(f"/v1/tasks?limit=2&next={quote(first['next'], safe='')}").body
    listed = [each["job_id"] for each in (*first["jobs"], *second["jobs"])]
    assert listed[:3] == jobs[::-1]


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=1000", "next=x", "next=%7B%7D"])
def test_a_query_that_makes_no_sense_is_a_400(door: Door, query: str) -> None:
    refused = door.get(f"/v1/tasks?{query}")
    assert refused.status == 400
    assert refused.body["field"] == query.partition("=")[0]


@pytest.mark.parametrize("name", ["none", "a%20b", "%E6%B5%A6", "a.b"])
def test_a_job_that_isnt_there_is_a_404(door: Door, name: str) -> None:
    missing = door.get(f"/v1/tasks/{name}")
    assert (missing.status, missing.headers["content-type"]) == (404, JSON)
    assert "error" in missing.body


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/v1"),
        ("GET", "/v2/tasks"),
        ("GET", "/V1/tasks"),
        ("GET", "/v1/new-task"),
        ("POST", "/v1/new-task"),
        ("DELETE", "/v1/tasks/none"),
        ("PUT", "/v1/tasks"),
        ("OPTIONS", "/v1/tasks"),
        ("PATCH", "/"),
        ("GET", "/v1/tasks/a/b"),
        ("GET", "/health"),
    ],
)
def test_any_other_path_or_method_is_a_404_in_json(door: Door, method: str, path: str) -> None:
    other = door.ask(method, path)
    assert (other.status, other.headers["content-type"]) == (404, JSON)
    assert "error" in other.body
