"""Jobs as DescribeJobs and ListJobs show them.

Source: AWS Batch API Reference, "JobDetail" and "JobSummary". What a job doesn't have yet is left
out.
"""

from __future__ import annotations

from typing import Any

from batchctl.local.batch.model.job import Attempt, Job
from batchctl.local.batch.model.scope import Scope


def detail(job: Job, scope: Scope) -> dict[str, Any]:
    """Return a job as DescribeJobs shows it."""
    specification = job.specification
    shown = _common(job, scope) | {
        "jobQueue": specification.queue_arn,
        "attempts": [_attempt(attempt) for attempt in job.attempts],
        "retryStrategy": dict(specification.retry),
        "dependsOn": [dict(dependency) for dependency in specification.depends_on],
        "parameters": dict(specification.parameters),
        "container": _container(job),
        "tags": dict(job.tags),
        "propagateTags": specification.propagate_tags,
        "platformCapabilities": ["EC2"],
        "isCancelled": job.is_cancelled,
        "isTerminated": job.is_terminated,
    }
    if specification.share is not None:
        shown |= {
            "shareIdentifier": specification.share,
            "schedulingPriority": specification.priority,
        }
    if specification.timeout_s is not None:
        shown["timeout"] = {"attemptDurationSeconds": specification.timeout_s}
    return shown


def summary(job: Job, scope: Scope) -> dict[str, Any]:
    """Return a job as ListJobs shows it."""
    shown = _common(job, scope)
    if job.attempts:
        last = job.attempts[-1]
        shown["container"] = _present({"exitCode": last.exit_code, "reason": last.reason})
    return shown


def _common(job: Job, scope: Scope) -> dict[str, Any]:
    return _present(
        {
            "jobId": job.id,
            "jobArn": scope.arn("job", job.id),
            "jobName": job.specification.name,
            "jobDefinition": job.specification.definition_arn,
            "status": job.status.value,
            "statusReason": job.status_reason,
            "createdAt": job.created_at,
            "startedAt": job.started_at,
            "stoppedAt": job.stopped_at,
            "arrayProperties": _array(job),
        }
    )


def _array(job: Job) -> dict[str, Any] | None:
    if job.children:
        counts = {status.value: count for status, count in job.summary.items()}
        return {"size": len(job.children), "statusSummary": counts}
    return None if job.index is None else {"index": job.index}


def _container(job: Job) -> dict[str, Any]:
    shown = dict(job.specification.container) | {
        "command": list(job.specification.command),
        "networkInterfaces": [],
    }
    if job.attempts:
        shown |= _attempt_container(job.attempts[-1])
    return shown


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return _present(
        {
            "container": {"networkInterfaces": []} | _attempt_container(attempt),
            "startedAt": attempt.started_at,
            "stoppedAt": attempt.stopped_at,
            "statusReason": attempt.status_reason,
        }
    )


def _attempt_container(attempt: Attempt) -> dict[str, Any]:
    return _present(
        {
            "taskArn": attempt.task_arn,
            "exitCode": attempt.exit_code,
            "reason": attempt.reason,
            "logStreamName": attempt.log_stream,
        }
    )


def _present(shown: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in shown.items() if value is not None}
