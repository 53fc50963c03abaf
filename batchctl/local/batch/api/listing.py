"""ListJobs: a queue's jobs or an array's children, by status or one filter, page by page.

Source: AWS Batch API Reference, "ListJobs".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from batchctl.local.batch.api import paging
from batchctl.local.batch.api.errors import RefusedError
from batchctl.local.batch.api.views import summary
from batchctl.local.batch.model.job import Job, Status
from batchctl.local.batch.model.job_store import Jobs
from batchctl.local.batch.model.queues import Queues
from batchctl.local.batch.model.scope import Scope, name_of

_FILTERS = ("JOB_NAME", "JOB_DEFINITION", "BEFORE_CREATED_AT", "AFTER_CREATED_AT")


def list_jobs(
    request: Mapping[str, Any], jobs: Jobs, queues: Queues, scope: Scope
) -> dict[str, Any]:
    """Return a page of summaries: a queue's newest first, an array's children by index."""
    if ("jobQueue" in request) == ("arrayJobId" in request):
        raise RefusedError("Exactly one of jobQueue and arrayJobId is required")
    candidates = _candidates(request, jobs, queues)
    if request.get("filters") and "jobQueue" in request:
        matching = _filtered(candidates, request["filters"])
    else:
        matching = _with_status(candidates, request.get("jobStatus", Status.RUNNING.value))
    return _page(matching, request, scope)


def _candidates(request: Mapping[str, Any], jobs: Jobs, queues: Queues) -> Sequence[Job]:
    if "jobQueue" in request:
        queue = queues.existing(request["jobQueue"])
        return list(reversed(jobs.of_queue(queue.name)))
    parent = jobs.get(request["arrayJobId"])
    if parent is None or not parent.children:
        raise RefusedError(f"Array job {request['arrayJobId']} does not exist")
    return parent.children


def _with_status(jobs: Iterable[Job], status: str) -> Iterable[tuple[int, Job]]:
    if status not in Status.__members__:
        raise RefusedError(f"jobStatus {status} is not valid")
    return (pair for pair in enumerate(jobs) if pair[1].status == status)


def _filtered(jobs: Iterable[Job], filters: list[dict[str, Any]]) -> Iterable[tuple[int, Job]]:
    if len(filters) != 1 or filters[0].get("name") not in _FILTERS:
        raise RefusedError(f"One filter of {', '.join(_FILTERS)} is allowed")
    name, values = filters[0]["name"], filters[0].get("values", [])
    return (
        pair for pair in enumerate(jobs) if any(_matches(pair[1], name, value) for value in values)
    )


def _matches(job: Job, name: str, value: str) -> bool:
    if name == "JOB_NAME":
        return _fits(value.lower(), job.specification.name.lower())
    if name == "JOB_DEFINITION":
        definition = job.specification.definition_arn
        is_name = ":" not in name_of(value)
        text = job.specification.definition_name if is_name else name_of(definition)
        return _fits(name_of(value), text)
    if not value.isdecimal():
        raise RefusedError(f"{name} must be milliseconds since 1970, not {value}")
    is_before = name == "BEFORE_CREATED_AT"
    return job.created_at < int(value) if is_before else job.created_at > int(value)


def _fits(pattern: str, text: str) -> bool:
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern


def _page(
    matching: Iterable[tuple[int, Job]], request: Mapping[str, Any], scope: Scope
) -> dict[str, Any]:
    # The token names a job, not a place in the answer: jobs change their status between two pages.
    after = paging.offset(request)
    later = (job for _, job in matching if after == 0 or _is_after(job, after))
    size = paging.size(request)
    found = list(islice(later, size + 1))
    answer: dict[str, Any] = {"jobSummaryList": [summary(job, scope) for job in found[:size]]}
    if len(found) > size:
        answer["nextToken"] = paging.token(_position(found[size - 1]))
    return answer


def _position(job: Job) -> int:
    return job.sequence + 1


def _is_after(job: Job, position: int) -> bool:
    is_child = job.parent is not None
    return _position(job) > position if is_child else _position(job) < position
