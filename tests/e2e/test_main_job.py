"""The main job, end to end on the local cloud: up, a job, its results, down, nothing left."""

from __future__ import annotations

import gzip
import json
import urllib.request

import pytest
from application import Application
from left_in_cloud import left

pytestmark = pytest.mark.e2e

PRICED = {"AAPL", "AMZN", "GOOG", "IBM", "MSFT"}
UNIVERSE = [*sorted(PRICED), "000002.XSHE", "000004.XSHE"]


def test_a_job_over_seven_symbols_ends_with_seven_results_five_from_real_prices(
    deployed: Application,
) -> None:
    universe = ",".join(UNIVERSE)
    submitted = deployed.local("submit", "--job-id", "demo-1", "--universe", universe, "--wait")
    assert "demo-1 succeeded" in submitted.stderr
    results = json.loads(deployed.local("results", "demo-1", "--format", "json").stdout)
    assert {each["item"] for each in results} == set(UNIVERSE)
    assert {each["status"] for each in results} == {"SUCCEEDED"}
    priced = {each["item"] for each in results if each["result"]["source"] == "prices"}
    assert priced == PRICED
    shown = json.loads(deployed.local("show", "demo-1", "--json").stdout)
    assert shown["tasks"] == {
        "total": 7, "pending": 0, "running": 0, "succeeded": 7, "failed": 0
    }  # fmt: skip


def test_the_same_job_again_is_the_same_job(deployed: Application) -> None:
    arguments = ("submit", "--job-id", "same", "--universe", "AAPL", "--wait")
    deployed.local(*arguments)
    assert "was submitted before: it is SUCCEEDED" in deployed.local(*arguments).stderr
    other = deployed.local("submit", "--job-id", "same", "--universe", "IBM", check=False)
    assert other.returncode == 1
    assert "another universe" in other.stderr


def test_a_failed_item_fails_the_job_keeps_the_others_and_exits_with_4(
    deployed: Application,
) -> None:
    done = deployed.local(
        "submit", "--job-id", "bad", "--universe", "AAPL", "--param", "paths=-1", "--wait",
        check=False,
    )  # fmt: skip
    assert done.returncode == 4
    assert "ended as FAILED" in done.stderr
    assert "paths" in done.stderr
    assert "AAPL,FAILED" in deployed.local("results", "bad", "--format", "csv").stdout


def test_the_two_curl_lines_of_the_readme_work_and_any_other_path_is_a_404_in_json(
    deployed: Application,
) -> None:
    job = {"job_id": "my-batch-job-id-xxsss22", "universe": ["000002.XSHE", "000004.XSHE"]}
    put = deployed.request("PUT", "/v1/new-task", job)
    assert put.status == 202
    assert put.body == {
        "job_id": "my-batch-job-id-xxsss22",
        "status": "QUEUED",
        "tasks": 2,
        "href": "/v1/tasks/my-batch-job-id-xxsss22",
    }
    got = deployed.request("GET", "/v1/tasks/my-batch-job-id-xxsss22")
    assert (got.status, got.body["items"]) == (200, 2)
    for method, path in (("GET", "/"), ("GET", "/v2/tasks"), ("POST", "/v1/new-task")):
        other = deployed.request(method, path)
        assert (other.status, other.content_type) == (404, "application/json")
        assert "error" in other.body


def test_a_compressed_submission_comes_through_the_load_balancer(deployed: Application) -> None:
    job = {"job_id": "packed", "universe": ["AAPL", "IBM"]}
    request = urllib.request.Request(
        f"http://127.0.0.1:{deployed.port}/v1/new-task",
        method="PUT",
        data=gzip.compress(json.dumps(job).encode()),
        headers={"content-type": "application/json", "content-encoding": "gzip"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own loopback
        assert json.load(answer)["tasks"] == 2
    assert deployed.ended("packed")["status"] == "SUCCEEDED"


def test_the_logs_of_the_job_are_in_the_log_group(deployed: Application) -> None:
    deployed.local("submit", "--job-id", "logged", "--universe", "AAPL", "--wait")
    logs = deployed.client("logs")
    found = logs.filter_log_events(logGroupName="/batchctl/batchapp/compute")["events"]
    assert any("AAPL" in event["message"] for event in found)


def test_a_second_up_says_no_changes(deployed: Application) -> None:
    again = deployed.local("up", "--yes")
    assert "no changes" in again.stderr


def test_status_shows_everything_in_order(deployed: Application) -> None:
    found = json.loads(deployed.local("status", "--json").stdout)
    assert {each["state"] for each in found["resources"]} == {"ok"}
    assert found["endpoint"] == f"http://127.0.0.1:{deployed.port}"


def test_zz_down_keeps_the_table_with_jobs_and_with_delete_data_leaves_nothing(
    deployed: Application,
) -> None:
    kept = deployed.local("down", "--yes")
    assert "kept table.jobs" in kept.stderr
    assert left(deployed) == {"tables": ["batchapp-jobs"], "roles": ["AWSServiceRoleForBatch"]}
    deployed.local("up", "--yes")
    assert deployed.request("GET", "/v1/tasks/demo-1").body["status"] == "SUCCEEDED"
    deployed.local("down", "--yes", "--delete-data")
    assert left(deployed) == {"roles": ["AWSServiceRoleForBatch"]}
    assert not list((deployed.folder / ".batchctl" / "local").glob("*.state.json*[!lock]"))
