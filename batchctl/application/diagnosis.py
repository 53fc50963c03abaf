"""What is known of why a job waits or failed: from its API, its record and AWS Batch."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass

from batchctl.aws.session import Aws
from batchctl.contract.reasons import Reason
from batchctl.jobs import Job, JobsClient
from batchctl.jobs.diagnosis.evidence import Evidence, gather
from batchctl.jobs.diagnosis.failures import count_errors, largest_peak_mib
from batchctl.jobs.diagnosis.findings import Finding, diagnose
from batchctl.jobs.diagnosis.items import ItemFailures
from batchctl.jobs.diagnosis.turns import Turns, turns
from batchctl.jobs.record import read_record
from batchctl.jobs.resources import JobResources
from batchctl.resources.batch.queues import unfinished_jobs

ERRORS = 5
"""The commonest errors of items that are counted."""


@dataclass(frozen=True)
class Diagnosis:
    """What was found out about a job; `errors` of its items, the commonest first, with counts."""

    job: Job
    evidence: Evidence
    errors: Mapping[str, int]
    findings: tuple[Finding, ...]


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
    if job.failures is not None:
        items = _item_failures(client, job_id, job.failures, machines)
        evidence = dataclasses.replace(evidence, items=items)
    errors = count_errors(client.results(job_id), ERRORS) if job.progress.failed else {}
    return Diagnosis(job, evidence, errors, diagnose(evidence, int(time.time() * 1000)))


def _item_failures(
    client: JobsClient, job_id: str, failures: Mapping[str, int], machines: Machines
) -> ItemFailures:
    out_of_memory = Reason.OUT_OF_MEMORY in failures
    peak = largest_peak_mib(client.results(job_id)) if out_of_memory else None
    return ItemFailures(failures, peak, machines.memory_sizes)


def turns_of(aws: Aws, resources: JobResources, job_id: str, machines: Machines) -> Turns:
    """Return what else is in the queues of the application."""
    unfinished = (each for queue in resources.job_queues for each in unfinished_jobs(aws, queue))
    return turns(aws, unfinished, job_id, machines.most_vcpus)
