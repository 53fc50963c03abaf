"""The job that a person asks to be cancelled or retried."""

from __future__ import annotations

from batchctl.contract.control import RefusedError
from batchctl.contract.job_record import JobRecord
from handlers.store.jobs import JobStore


def known_job(store: JobStore, job_id: str) -> JobRecord:
    """Read the record of a job that clients are shown; raises RefusedError (404) without one.

    And MalformedItemError where it can't be read.
    """
    job = store.shown(job_id)
    if job is None:
        raise RefusedError(404, f"no job `{job_id}`")
    return job
