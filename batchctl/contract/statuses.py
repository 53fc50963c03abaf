"""Where a job or an item stands, and which statuses are final."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """Where a job stands; RECEIVING is known to the receiver and the splitter only."""

    RECEIVING = "RECEIVING"
    QUEUED = "QUEUED"
    SUBMITTED = "SUBMITTED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


FINAL = frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELLED})
"""A job in one of these has ended."""

SPLITTABLE = (Status.RECEIVING, Status.QUEUED)
"""A job in one of these may have tasks that aren't submitted yet."""

RETRIABLE = (Status.FAILED, Status.CANCELLED)
"""A job in one of these can have another run."""


class ItemStatus(StrEnum):
    """How an item ended; one without a result has not ended."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


class TaskStatus(StrEnum):
    """Where a task stands in AWS Batch (AWS Batch API reference, JobDetail, `status`)."""

    SUBMITTED = "SUBMITTED"
    PENDING = "PENDING"
    RUNNABLE = "RUNNABLE"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


RUNNING_TASK = (TaskStatus.STARTING, TaskStatus.RUNNING)
ENDED_TASK = (TaskStatus.SUCCEEDED, TaskStatus.FAILED)
