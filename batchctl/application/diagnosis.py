"""What is known of why a job waits or failed: from its API, its record and AWS Batch."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass

from botocore.exceptions import ClientError

from batchctl.aws.session import Aws
from batchctl.jobs import Job, JobsClient
from batchctl.jobs.diagnosis.evidence import Evidence, gather
from batchctl.jobs.diagnosis.failures import Sample, sample
from batchctl.jobs.diagnosis.findings import Finding, diagnose
from batchctl.jobs.diagnosis.items import ItemFailures
from batchctl.jobs.diagnosis.turns import Turns, turns
from batchctl.jobs.logs.attempts import describe
from batchctl.jobs.logs.reader import last_lines
from batchctl.jobs.record import read_record
from batchctl.jobs.resources import JobResources
from batchctl.resources.batch.queues import unfinished_jobs

LAST_LINES = 50
"""So many of the last lines of a failed task's log are read for its cause."""


@dataclass(frozen=True)
class Diagnosis:
    """What was found out about a job."""

    job: Job
    evidence: Evidence
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> Mapping[str, int]:
        """The commonest errors of its items, with counts, as far as `evidence.sample` goes."""
        return {each.text: each.count for each in self.evidence.sample.errors}


@dataclass(frozen=True)
class Machines:
    """What tasks can have: `most_vcpus` all at once, and one after the other the memory sizes."""

    most_vcpus: int
    memory_sizes: tuple[int, ...]


def diagnosis_of(
    aws: Aws, resources: JobResources, client: JobsClient, job_id: str, machines: Machines
) -> Diagnosis:
    """Ask the API and AWS about a job; JobNotFound for an unknown one."""
    job = client.show(job_id, limit=1)
    evidence = gather(aws, resources, read_record(aws, resources.table, job_id))
    if evidence.waiting:
        found = turns_of(aws, resources, job_id, machines)
        evidence = dataclasses.replace(evidence, turns=found)
    read = sample(client.results(job_id)) if job.progress.failed else Sample()
    if job.failures is not None:
        items = ItemFailures(job.failures, read.peak_memory_mib, machines.memory_sizes)
        evidence = dataclasses.replace(evidence, items=items)
    log = _last_lines(aws, resources, evidence)
    evidence = dataclasses.replace(evidence, sample=read, log=log)
    return Diagnosis(job, evidence, diagnose(evidence, int(time.time() * 1000)))


def _last_lines(aws: Aws, resources: JobResources, evidence: Evidence) -> tuple[str, ...]:
    """Return how the log of a failed task ends; nothing where it has none, or none may be read."""
    if evidence.failed_task is None:
        return ()
    streams = [
        attempt.stream
        for child in describe(aws, [evidence.failed_task])
        for attempt in child.attempts
        if attempt.stream
    ]
    if not streams:
        return ()
    try:
        return last_lines(aws, resources.log_group, streams[-1], LAST_LINES)
    except ClientError:
        return ()  # the diagnosis is good without it


def turns_of(aws: Aws, resources: JobResources, job_id: str, machines: Machines) -> Turns:
    """Return what else is in the queues of the application."""
    unfinished = (each for queue in resources.job_queues for each in unfinished_jobs(aws, queue))
    return turns(aws, unfinished, job_id, machines.most_vcpus)
