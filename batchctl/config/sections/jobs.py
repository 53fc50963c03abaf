"""What takes jobs, splits them and records how they end: queue, table, functions."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from batchctl.config.sections.section import Section
from batchctl.config.values import (
    Architecture,
    AsMemory,
    LogRetentionDays,
)

HTTP_TIMEOUT_S: Final = 29
"""Timeout of the receiver and the API: API Gateway waits no longer (API, PutIntegration)."""


class Queue(Section):
    """The queue between the receiver and the splitter, and its dead-letter queue."""

    retention_days: Annotated[int, Field(ge=1, le=14)] = 7
    """Days that a submitted job can wait to be split.

    Less than `queue.dead_letter_retention_days`.
    """
    dead_letter_retention_days: Annotated[int, Field(ge=1, le=14)] = 14
    """Days to keep a job that could not be split.

    More than `queue.retention_days`: a message's age counts from when it was first sent.
    """
    max_receive_count: Annotated[int, Field(ge=1, le=1000)] = 5
    """Tries to split a job before it is a dead letter.

    Lambda recommends 5 or more.
    """


class JobTable(Section):
    """The DynamoDB table of jobs and results."""

    point_in_time_recovery: bool = True
    """Continuous backups of the last 35 days.

    The table can be restored to any second of them.
    """
    deletion_protection: bool = True
    """Only `batchctl down --delete-data` deletes the table."""
    max_write_units: Annotated[int, Field(ge=1)] | None = None
    """Write request units a second; null: no limit.

    Writes above the limit are refused: a submit is answered with an error, results are written
    later.
    """
    keep_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    """Days to keep a job after its end; null: forever.

    See [How long jobs are kept](#how-long-jobs-are-kept).
    """


class Functions(Section):
    """The Lambda functions: receiver, splitter, API and tracker."""

    runtime: Literal["python3.11", "python3.12", "python3.13", "python3.14"] = "python3.13"
    """Runtime."""
    architecture: Architecture | None = None
    """Processor; null: arm64 in partition aws, x86_64 elsewhere."""
    memory_mib: Annotated[int, Field(ge=128, le=10_240), AsMemory()] = 1769
    """Memory in MiB; 1769 gives one full vCPU.

    CPU time is in proportion to memory.
    """
    timeout_s: Annotated[int, Field(ge=1, le=900)] = 60
    """Time limit of the splitter, in seconds.

    The queue's visibility timeout is six times that. The HTTP functions have 29 s, as API
    Gateway waits no longer.
    """
    tracing: bool = True
    """X-Ray traces, where the partition has X-Ray."""
    reserved_concurrency: Annotated[int, Field(ge=1)] | None = None
    """Concurrency of receiver and API; null: no limit.

    That many executions of each of the two functions are reserved, and no more run at once.
    """
    log_retention_days: LogRetentionDays = 7
    """Days to keep the functions' logs."""

    @property
    def visibility_timeout_s(self) -> int:
        """The queue's: six times the splitter's (Lambda guide, "SQS event source mapping")."""
        return 6 * self.timeout_s
