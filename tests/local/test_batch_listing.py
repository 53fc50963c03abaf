from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from local_batch import LocalBatch


def listed(batch: LocalBatch, **request: Any) -> list[str]:
    answer = batch.client.list_jobs(**request)
    return [job["jobId"] for job in answer["jobSummaryList"]]


def test_only_running_jobs_are_listed_unless_a_status_is_asked_for(ready: LocalBatch) -> None:
    starting, running = ready.submit(), ready.submit()
    ready.run(running)
    assert listed(ready, jobQueue="work") == [running]
    assert listed(ready, jobQueue="work", jobStatus="STARTING") == [starting]


def test_a_running_array_is_listed_as_pending(ready: LocalBatch) -> None:
    job_id = ready.submit(arrayProperties={"size": 2})
    ready.run(f"{job_id}:0")
    assert listed(ready, jobQueue="work") == []
    assert listed(ready, jobQueue="work", jobStatus="PENDING") == [job_id]


def test_the_children_of_an_array_are_listed_by_status(ready: LocalBatch) -> None:
    job_id = ready.submit(arrayProperties={"size": 3})
    ready.run(f"{job_id}:1")
    assert listed(ready, arrayJobId=job_id) == [f"{job_id}:1"]
    assert listed(ready, arrayJobId=job_id, jobStatus="STARTING") == [f"{job_id}:0", f"{job_id}:2"]


@pytest.mark.parametrize("request_", [{}, {"jobQueue": "work", "arrayJobId": "x"}])
def test_exactly_one_of_queue_and_array_is_needed(
    ready: LocalBatch, request_: dict[str, Any]
) -> None:
    with pytest.raises(ClientError, match="Exactly one"):
        ready.client.list_jobs(**request_)


@pytest.mark.parametrize(
    ("pattern", "expected"), [("demo-1-0", 1), ("DEMO-1*", 2), ("demo", 0), ("*", 3)]
)
def test_the_name_filter_ignores_case_and_status_and_takes_a_star(
    ready: LocalBatch, pattern: str, expected: int
) -> None:
    for name in ("demo-1-0", "Demo-1-1", "other"):
        ready.submit(jobName=name)
    filters = [{"name": "JOB_NAME", "values": [pattern]}]
    assert len(listed(ready, jobQueue="work", filters=filters)) == expected


def test_filters_by_definition_and_time(ready: LocalBatch) -> None:
    first = ready.submit()
    ready.advance(10)
    ready.definition("other")
    second = ready.submit(jobDefinition="other")
    after = str(ready.job(first)["createdAt"])

    def found(name: str, value: str) -> list[str]:
        return listed(ready, jobQueue="work", filters=[{"name": name, "values": [value]}])

    assert found("JOB_DEFINITION", "other") == [second]
    assert found("JOB_DEFINITION", "compute:1") == [first]
    assert found("AFTER_CREATED_AT", after) == [second]
    assert found("BEFORE_CREATED_AT", str(ready.job(second)["createdAt"])) == [first]


def test_two_filters_at_once_are_refused(ready: LocalBatch) -> None:
    filters = [{"name": "JOB_NAME", "values": ["a"]}] * 2
    with pytest.raises(ClientError, match="One filter"):
        ready.client.list_jobs(jobQueue="work", filters=filters)


def test_a_queues_jobs_come_newest_first_in_pages_without_gaps(ready: LocalBatch) -> None:
    jobs = [ready.submit(jobName=f"job-{number}") for number in range(5)]
    request: dict[str, Any] = {
        "jobQueue": "work",
        "filters": [{"name": "JOB_NAME", "values": ["job-*"]}],
        "maxResults": 2,
    }
    first = ready.client.list_jobs(**request)
    ready.submit(jobName="job-new")
    second = ready.client.list_jobs(**request, nextToken=first["nextToken"])
    third = ready.client.list_jobs(**request, nextToken=second["nextToken"])

    pages = [[job["jobId"] for job in page["jobSummaryList"]] for page in (first, second, third)]
    assert pages == [[jobs[4], jobs[3]], [jobs[2], jobs[1]], [jobs[0]]]
    assert "nextToken" not in third


def test_children_come_in_pages_though_they_change_their_status_meanwhile(
    ready: LocalBatch,
) -> None:
    job_id = ready.submit(arrayProperties={"size": 10})
    for index in range(4):
        ready.run(f"{job_id}:{index}")
        ready.end(f"{job_id}:{index}", 1)
    request: dict[str, Any] = {"arrayJobId": job_id, "jobStatus": "FAILED", "maxResults": 3}
    first = ready.client.list_jobs(**request)
    ready.run(f"{job_id}:4")
    ready.end(f"{job_id}:4", 1)
    second = ready.client.list_jobs(**request, nextToken=first["nextToken"])

    indexes = [job["arrayProperties"]["index"] for job in second["jobSummaryList"]]
    assert indexes == [3, 4]
    assert first["jobSummaryList"][0]["container"] == {"exitCode": 1}


def test_a_token_of_our_own_invention_is_refused(ready: LocalBatch) -> None:
    with pytest.raises(ClientError, match="nextToken is not valid"):
        ready.client.list_jobs(jobQueue="work", nextToken="x!")
