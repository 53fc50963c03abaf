"""What stands before a job: the other tasks of its queue by their shares, and the vCPUs in use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from batchctl.aws.session import Aws
from batchctl.contract.batch_jobs import IDS_PER_CALL, BatchJobName
from batchctl.contract.statuses import RUNNING_TASK, TaskStatus

MOST_BATCH_JOBS = 1000
"""So many Batch jobs of a queue are looked at, arrays as one: ten calls."""
NAMED = 3
WAITING_TASK = (TaskStatus.SUBMITTED, TaskStatus.PENDING, TaskStatus.RUNNABLE)


@dataclass(frozen=True)
class OtherJob:
    """Another job in the queue: its share, its tasks that wait, and those that run."""

    job_id: str
    share: str
    waiting: int
    running: int

    def __str__(self) -> str:
        """Tell it in a few words."""
        counts = f"{self.waiting:,} waiting, {self.running:,} running"
        return f"`{self.job_id}` {counts}{f' (share {self.share})' if self.share else ''}"


@dataclass(frozen=True)
class Turns:
    """The other jobs of a queue, those with the most tasks first, and how many vCPUs are in use.

    `most_vcpus` is how many can be, None where that isn't known.
    """

    others: tuple[OtherJob, ...]
    vcpus_in_use: float
    most_vcpus: int | None

    @property
    def full(self) -> bool:
        """Whether nothing more can run until something ends."""
        return self.most_vcpus is not None and self.vcpus_in_use >= self.most_vcpus

    @property
    def before(self) -> str:
        """Tell what else is in the queue: how many tasks, and the largest jobs."""
        tasks = sum(each.waiting + each.running for each in self.others)
        jobs = "1 other job" if len(self.others) == 1 else f"{len(self.others)} other jobs"
        named = "; ".join(map(str, self.others[:NAMED]))
        more = "; …" if len(self.others) > NAMED else ""
        return f"{tasks:,} tasks of {jobs} in the queue: {named}{more}"

    @property
    def used(self) -> str:
        """Tell how much of the machines is in use."""
        most = "" if self.most_vcpus is None else f" of {self.most_vcpus}"
        return f"{self.vcpus_in_use:g}{most} vCPUs are in use"


def turns(aws: Aws, unfinished: Iterable[str], job_id: str, most_vcpus: int | None) -> Turns:
    """Ask AWS Batch about the `unfinished` Batch jobs of a queue, beside those of `job_id`."""
    ids = dict.fromkeys(unfinished)
    others: dict[str, OtherJob] = {}
    in_use = 0.0
    for detail in _details(aws, list(islice(ids, MOST_BATCH_JOBS))):
        waiting, running = _counted(detail)
        in_use += running * _vcpus(detail)
        name = BatchJobName.parse(str(detail["jobName"]))
        owner = name.job_id if name else str(detail["jobName"])
        if owner != job_id and waiting + running:
            seen = others.get(owner, OtherJob(owner, str(detail.get("shareIdentifier", "")), 0, 0))
            others[owner] = OtherJob(
                owner, seen.share, seen.waiting + waiting, seen.running + running
            )
    largest_first = sorted(others.values(), key=lambda each: -each.waiting - each.running)
    return Turns(tuple(largest_first), in_use, most_vcpus)


def _details(aws: Aws, ids: list[str]) -> Iterator[Mapping[str, Any]]:
    for start in range(0, len(ids), IDS_PER_CALL):
        yield from aws.batch.describe_jobs(jobs=ids[start : start + IDS_PER_CALL])["jobs"]


def _counted(detail: Mapping[str, Any]) -> tuple[int, int]:
    """Return how many tasks of a Batch job wait and run."""
    array = detail.get("arrayProperties")
    counts = array.get("statusSummary", {}) if array else {detail["status"]: 1}
    return _sum(counts, WAITING_TASK), _sum(counts, RUNNING_TASK)


def _sum(counts: Mapping[str, int], statuses: Iterable[str]) -> int:
    return sum(int(counts.get(status, 0)) for status in statuses)


def _vcpus(detail: Mapping[str, Any]) -> float:
    required = detail.get("container", {}).get("resourceRequirements", [])
    return next((float(each["value"]) for each in required if each["type"] == "VCPU"), 1.0)
