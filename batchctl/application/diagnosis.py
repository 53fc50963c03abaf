"""What is known of why a job waits or failed: from its API, its record and AWS Batch."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from batchctl.aws.session import Aws
from batchctl.jobs import Job, JobsClient
from batchctl.jobs.diagnosis.evidence import Evidence, gather
from batchctl.jobs.diagnosis.failures import count_errors
from batchctl.jobs.diagnosis.findings import Finding, diagnose
from batchctl.jobs.record import read_record
from batchctl.jobs.resources import JobResources

ERRORS = 5
"""The commonest errors of items that are counted."""


@dataclass(frozen=True)
class Diagnosis:
    """What was found out about a job; `errors` of its items, the commonest first, with counts."""

    job: Job
    evidence: Evidence
    errors: Mapping[str, int]
    findings: tuple[Finding, ...]


def diagnosis_of(aws: Aws, resources: JobResources, client: JobsClient, job_id: str) -> Diagnosis:
    """Ask the API and AWS about a job; JobNotFound for an unknown one."""
    job = client.show(job_id, limit=1)
    evidence = gather(aws, resources, read_record(aws, resources.table, job_id))
    errors = count_errors(client.results(job_id), ERRORS) if job.tasks.failed else {}
    return Diagnosis(job, evidence, errors, diagnose(evidence, int(time.time() * 1000)))
