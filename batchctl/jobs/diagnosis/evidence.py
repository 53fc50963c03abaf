"""What AWS says about a job that waits or failed, gathered for `why`: read only, in few calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from batchctl.aws.session import Aws
from batchctl.contract.reasons import words_of
from batchctl.contract.statuses import TaskStatus
from batchctl.jobs.diagnosis.failures import Sample
from batchctl.jobs.diagnosis.items import ItemFailures
from batchctl.jobs.diagnosis.turns import Turns
from batchctl.jobs.record import IDS_PER_CALL, Record, Task
from batchctl.jobs.resources import JobResources

ASKED_CHILDREN = 1000
"""So many tasks of each array that wait or failed are read: enough to know the causes."""


@dataclass(frozen=True)
class Condition:
    """A job queue or compute environment: how it stands, and Batch's reason for it."""

    kind: str
    name: str
    state: str
    status: str
    reason: str
    max_vcpus: int | None = None
    desired_vcpus: int | None = None

    @property
    def usable(self) -> bool:
        """Whether Batch starts tasks in it."""
        return self.state == "ENABLED" and self.status == "VALID"


@dataclass(frozen=True)
class Head:
    """A job at the head of a queue that can't start and holds up all others, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Evidence:
    """All that is known about a job: what Batch says of its tasks, and of where they run.

    `statuses` counts the tasks that were submitted. `waiting` and `failed` count the reasons that
    Batch gives, an empty one where it gives none. `vcpus` and `memory_mib` are what a task asks
    for, None when Batch doesn't know the job any more. `turns` is what else is in the queue, where
    that was asked; `items` is what the API says of items that failed, None where it counts none.
    `attempt_s` is the time limit of an attempt, `sample` what the first results say, `log` how the
    log of `failed_task` ends. `deregistered` is the job definition when nothing can be submitted
    with it.
    """

    record: Record
    statuses: Mapping[str, int]
    waiting: Mapping[str, int]
    failed: Mapping[str, int]
    conditions: tuple[Condition, ...]
    waiting_since_ms: int | None = None
    vcpus: float | None = None
    memory_mib: int | None = None
    head: Head | None = None
    turns: Turns | None = None
    items: ItemFailures | None = None
    attempt_s: int | None = None
    sample: Sample = field(default_factory=Sample)
    log: tuple[str, ...] = ()
    deregistered: str | None = None
    failed_task: Task | None = None

    @property
    def known(self) -> bool:
        """Whether Batch knows any of the job's tasks."""
        return bool(self.statuses)


def gather(aws: Aws, resources: JobResources, record: Record) -> Evidence:
    """Ask Batch about the job, its queues and their compute environments."""
    details = _details(aws, [batch_job.id for batch_job in record.batch_jobs])
    runnable = list(_tasks(aws, details, TaskStatus.RUNNABLE))
    failed = list(_tasks(aws, details, TaskStatus.FAILED))
    container = details[0].get("container", {}) if details else {}
    return Evidence(
        record=record,
        statuses=_statuses(details),
        waiting=Counter(_text(task, "statusReason") for task in runnable),
        failed=Counter(words_of(task) for task in failed),
        conditions=(*_queues(aws, resources), *_environments(aws, resources)),
        waiting_since_ms=min((int(task["createdAt"]) for task in runnable), default=None),
        vcpus=_required(container, "VCPU"),
        head=_head(aws, resources) if runnable else None,
        memory_mib=None if (memory := _required(container, "MEMORY")) is None else int(memory),
        attempt_s=details[0].get("timeout", {}).get("attemptDurationSeconds") if details else None,
        deregistered=None if record.batch_jobs else _deregistered(aws, resources),
        failed_task=_task_of(record, failed[0]["jobId"]) if failed else None,
    )


def _deregistered(aws: Aws, resources: JobResources) -> str | None:
    """Return the name of the job definition when it is deregistered: SubmitJob refuses it."""
    if resources.job_definition is None:
        return None
    try:
        answer = aws.batch.describe_job_definitions(jobDefinitions=[resources.job_definition])
    except ClientError:
        return None  # it adds to the explanation where it is allowed
    found = answer["jobDefinitions"]
    if found and found[0].get("status") != "INACTIVE":
        return None
    return resources.job_definition.rpartition("/")[2]


def _task_of(record: Record, batch_id: str) -> Task | None:
    tasks = (task for batch_job in record.batch_jobs for task in batch_job.children)
    return next((task for task in tasks if task.batch_id == batch_id), None)


def _details(aws: Aws, ids: Sequence[str]) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for start in range(0, len(ids), IDS_PER_CALL):
        found += aws.batch.describe_jobs(jobs=ids[start : start + IDS_PER_CALL])["jobs"]
    return found


def _statuses(details: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Count the tasks by status; of an array that ended at once, Batch may have no summary yet."""
    counted: Counter[str] = Counter()
    for detail in details:
        summary = detail.get("arrayProperties", {}).get("statusSummary", {})
        size = detail.get("arrayProperties", {}).get("size", 1)
        counted.update(summary if sum(summary.values()) == size else {detail["status"]: size})
    return {status: count for status, count in counted.items() if count}


def _tasks(
    aws: Aws, details: Iterable[Mapping[str, Any]], status: str
) -> Iterator[Mapping[str, Any]]:
    """Yield the tasks that have a status: the plain jobs, and of each array up to 1,000."""
    for detail in details:
        if "arrayProperties" not in detail:
            if detail["status"] == status:
                yield detail
            continue
        pages = aws.batch.get_paginator("list_jobs").paginate(
            arrayJobId=detail["jobId"],
            jobStatus=status,  # type: ignore[arg-type]  # one of JobStatus
        )
        children = (child for page in pages for child in page["jobSummaryList"])
        yield from islice(children, ASKED_CHILDREN)


def _head(aws: Aws, resources: JobResources) -> Head | None:
    """Return the first job at the head of a queue for which Batch tells why it can't start."""
    for queue in resources.job_queues:
        try:
            snapshot = aws.batch.get_job_queue_snapshot(jobQueue=queue)
        except ClientError:
            # It adds to the explanation where it exists and is allowed; the rest stands without it.
            continue
        front = [job["jobArn"] for job in snapshot.get("frontOfQueue", {}).get("jobs", [])[:1]]
        for job in _details(aws, [arn.rpartition("/")[2] for arn in front]):
            if reason := _text(job, "statusReason"):
                return Head(job["jobName"], reason)
    return None


def _queues(aws: Aws, resources: JobResources) -> Iterator[Condition]:
    if not resources.job_queues:
        return
    answer = aws.batch.describe_job_queues(jobQueues=list(resources.job_queues))
    for queue in answer["jobQueues"]:
        yield _condition("job queue", "jobQueueName", queue)
    yield from _missing("job queue", resources.job_queues, answer["jobQueues"], "jobQueueArn")


def _environments(aws: Aws, resources: JobResources) -> Iterator[Condition]:
    asked = resources.compute_environments
    if not asked:
        return
    answer = aws.batch.describe_compute_environments(computeEnvironments=list(asked))
    found = answer["computeEnvironments"]
    for environment in found:
        yield _condition("compute environment", "computeEnvironmentName", environment)
    yield from _missing("compute environment", asked, found, "computeEnvironmentArn")


def _condition(kind: str, name: str, found: Mapping[str, Any]) -> Condition:
    resources = found.get("computeResources", {})
    return Condition(
        kind=kind,
        name=found[name],
        state=_text(found, "state"),
        status=_text(found, "status"),
        reason=_text(found, "statusReason"),
        max_vcpus=resources.get("maxvCpus"),
        desired_vcpus=resources.get("desiredvCpus"),
    )


def _missing(
    kind: str, arns: Iterable[str], found: Iterable[Mapping[str, Any]], key: str
) -> Iterator[Condition]:
    present = {each[key] for each in found}
    for arn in arns:
        if arn not in present:
            yield Condition(kind, arn.rpartition("/")[2], "", "MISSING", "it was deleted")


def _required(container: Mapping[str, Any], kind: str) -> float | None:
    required = container.get("resourceRequirements", [])
    return next((float(each["value"]) for each in required if each["type"] == kind), None)


def _text(described: Mapping[str, Any], name: str) -> str:
    return str(described.get(name) or "")
