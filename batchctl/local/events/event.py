"""A job's change of state, as AWS Batch reports it to EventBridge.

Source: AWS Batch User Guide, "Job state change events": the detail is the job as DescribeJobs
shows it, and the submission itself makes no event.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from batchctl.local.batch.api import views
from batchctl.local.batch.model.job import Job, Status
from batchctl.local.batch.model.scope import Scope

Event = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """That a job has got a status; `at` is in seconds since 1970."""

    job: Job
    status: Status
    reason: str | None
    at: float


def event_of(change: Change, scope: Scope) -> Event:
    """Return the event; its job may have gone on meanwhile, its status is that of the change."""
    detail = views.detail(change.job, scope)
    detail.pop("statusReason", None)
    detail["status"] = change.status.value
    if change.reason is not None:
        detail["statusReason"] = change.reason
    detail["tags"] = {"resourceArn": detail["jobArn"], **detail["tags"]}
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Batch Job State Change",
        "source": "aws.batch",
        "account": scope.account,
        "time": datetime.fromtimestamp(change.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": scope.region,
        "resources": [detail["jobArn"]],
        "detail": detail,
    }
