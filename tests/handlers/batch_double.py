"""AWS Batch as far as the handlers use it, in memory; requests must fit botocore's model."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import botocore.session
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

MODEL = botocore.session.get_session().get_service_model("batch")


def batch_error(code: str, status: int = 400) -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": code},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "SubmitJob")


@dataclass
class BatchDouble:
    """Jobs by id, as DescribeJobs shows them; `faults` are raised by the next SubmitJobs.

    A fault is an exception and whether the job is made all the same (its answer is lost). Only jobs
    with the mark of the stack may be ended; so many asks come too soon after it was set
    (`unseen_marks`).
    """

    clock: Callable[[], float]
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[dict[str, Any]] = field(default_factory=list)
    faults: list[tuple[Exception, bool]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    unlisted: int = 0
    unseen_marks: int = 0
    children: dict[str, dict[str, Any]] = field(default_factory=dict)
    terminated: list[str] = field(default_factory=list)
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def submit_job(self, **request: Any) -> dict[str, Any]:
        self._called("SubmitJob", request)
        fault, made = self.faults.pop(0) if self.faults else (None, True)
        if made:
            detail = self._make(request)
        if fault is not None:
            raise fault
        return {"jobId": detail["jobId"], "jobName": detail["jobName"]}

    def describe_jobs(self, jobs: list[str]) -> dict[str, Any]:
        self._called("DescribeJobs", {"jobs": jobs})
        assert len(jobs) <= 100
        known = self.jobs | self.children
        return {"jobs": [known[job] for job in jobs if job in known]}

    def terminate_job(self, **request: Any) -> dict[str, Any]:
        self._called("TerminateJob", request)
        job = self.jobs.get(request["jobId"])
        is_marked = job is not None and job["tags"].get("batchctl:stack") == "batchapp"
        if job is None or not is_marked or self.unseen_marks > 0:
            self.unseen_marks -= is_marked
            raise batch_error("AccessDeniedException", 403)
        if job["status"] not in ("SUCCEEDED", "FAILED"):
            self.terminated.append(request["jobId"])
            job |= {"statusReason": request["reason"], "isTerminated": True}
            self.end(request["jobId"], "FAILED")
        return {}

    def tag_resource(self, **request: Any) -> dict[str, Any]:
        self._called("TagResource", request)
        prefix, _, job_id = request["resourceArn"].partition(":job/")
        assert prefix == "arn:aws:batch:us-east-1:123456789012"
        if job_id not in self.jobs:
            raise batch_error("ClientException")
        self.jobs[job_id]["tags"] |= request["tags"]
        return {}

    def get_paginator(self, operation: str) -> BatchDouble:
        assert operation == "list_jobs"
        return self

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        self._called("ListJobs", request)
        (wanted,) = request["filters"]
        assert wanted["name"] == "JOB_NAME"
        self.unlisted, hidden = max(0, self.unlisted - 1), self.unlisted > 0
        found = [
            {name: job[name] for name in ("jobId", "jobName", "createdAt", "status")}
            for job in self.jobs.values()
            if job["jobName"].lower() == wanted["values"][0].lower() and not hidden
        ]
        yield {"jobSummaryList": []}
        yield {"jobSummaryList": found}

    def names(self) -> list[str]:
        return [job["jobName"] for job in self.jobs.values()]

    def set_children(self, job_id: str, **states: int) -> None:
        self.jobs[job_id]["arrayProperties"]["statusSummary"] = states

    def end(self, job_id: str, status: str, stopped_at_ms: int = 1_800_000_000_000) -> None:
        self.jobs[job_id] |= {"status": status, "stoppedAt": stopped_at_ms}

    def _make(self, request: dict[str, Any]) -> dict[str, Any]:
        detail = {
            "jobId": f"batch-{next(self.ids)}",
            "jobName": request["jobName"],
            "jobQueue": request["jobQueue"],
            "createdAt": int(self.clock() * 1000),
            "status": "SUBMITTED",
            "container": dict(request.get("containerOverrides", {})),
            "tags": dict(request.get("tags", {})),
        }
        if "arrayProperties" in request:
            detail["arrayProperties"] = {"size": request["arrayProperties"]["size"]}
        self.jobs[detail["jobId"]] = detail
        self.requests.append(request)
        return detail

    def _called(self, operation: str, request: dict[str, Any]) -> None:
        self.calls.append(operation)
        shape = MODEL.operation_model(operation).input_shape
        assert shape is not None
        report = ParamValidator().validate(request, shape)
        assert not report.has_errors(), report.generate_report()
