"""How Batch jobs end, as Batch shows it: in DescribeJobs and in the events of EventBridge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from batch_double import BatchDouble

HOST_GONE = "Host EC2 (instance i-0abc) terminated."
EXITED = "Essential container in task exited"


def attempt(
    exit_code: int | None = None, reason: str = "", status_reason: str = EXITED, seconds: int = 2
) -> dict[str, Any]:
    """An attempt as Batch shows it."""
    container: dict[str, Any] = {} if exit_code is None else {"exitCode": exit_code}
    if reason:
        container["reason"] = reason
    return {
        "container": container,
        "statusReason": status_reason,
        "startedAt": 1_000,
        "stoppedAt": 1_000 + seconds * 1000,
    }


def end_task(
    batch: BatchDouble, job_id: str, status: str, attempts: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """End a child (`batch-1:0`) or a plain job; gives its JobDetail, as an event has it as well."""
    array, _, index = job_id.partition(":")
    detail = {
        **batch.jobs[array],
        "jobId": job_id,
        "status": status,
        "attempts": list(attempts),
        "statusReason": attempts[-1]["statusReason"] if attempts else "",
    }
    if index:
        detail["arrayProperties"] = {"index": int(index)}
        batch.children[job_id] = detail
    else:
        batch.jobs[job_id] = detail
        batch.end(job_id, status)
    return detail


def end_array(batch: BatchDouble, job_id: str, **counts: int) -> dict[str, Any]:
    """End an array with so many children in each state; gives its JobDetail."""
    batch.set_children(job_id, **counts)
    batch.end(job_id, "FAILED" if counts.get("FAILED") else "SUCCEEDED")
    return batch.jobs[job_id]


def event(detail: dict[str, Any]) -> dict[str, Any]:
    """The event that EventBridge gives the tracker."""
    return {"source": "aws.batch", "detail-type": "Batch Job State Change", "detail": detail}
