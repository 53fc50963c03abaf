"""Where an application's jobs live in AWS: the names that `up` recorded."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DeadLetters:
    """A queue of messages that failed; `source` is its display name, `target` where they go back.

    `target` is the ARN of the SQS queue that they came from, or the name of the function that they
    were for; `is_function` says which.
    """

    source: str
    arn: str
    url: str
    target: str
    is_function: bool


@dataclass(frozen=True)
class JobResources:
    """The table, log group, tracker function, Batch queues and environments of one application.

    Job queues, compute environments and the job definition are ARNs, the others names.
    """

    table: str
    log_group: str
    tracker: str
    job_queues: tuple[str, ...]
    compute_environments: tuple[str, ...]
    job_definition: str | None = None
