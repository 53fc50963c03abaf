"""Which job waits for which: dependsOn, also N_TO_N and SEQUENTIAL between arrays' children.

Source: AWS Batch User Guide, "Job dependencies" and "Array job dependencies".
"""

from __future__ import annotations

from collections.abc import Iterable

from batchctl.local.batch.model.job import Job, Status
from batchctl.local.batch.model.job_store import Jobs

FAILED_REASON = "Dependent Job failed"


class Dependencies:
    """Who waits for whom, looked up by the job that is waited for."""

    def __init__(self, jobs: Jobs) -> None:
        """Know of no dependency yet; `jobs` finds the jobs that others name."""
        self._jobs = jobs
        self._waiting: dict[str, list[Job]] = {}

    def add(self, job: Job) -> bool:
        """Note what a plain job or a child waits for; return whether one has already failed."""
        has_failed = False
        for other in self._needed(job):
            if other.status is Status.FAILED:
                has_failed = True
            elif not other.has_ended:
                job.unmet_dependencies += 1
                self._waiting.setdefault(other.id, []).append(job)
        return has_failed

    def released(self, ended: Job) -> list[Job]:
        """Return the jobs that waited for `ended`, once, with one unmet dependency less each."""
        waiting = self._waiting.pop(ended.id, [])
        for job in waiting:
            job.unmet_dependencies -= 1
        return waiting

    def _needed(self, job: Job) -> Iterable[Job]:
        for dependency in job.specification.depends_on:
            kind, job_id = dependency.get("type"), dependency.get("jobId", "")
            if kind == "SEQUENTIAL" and job.parent is not None and job.index:
                yield job.parent.children[job.index - 1]
            other = self._jobs.get(job_id)
            if other is not None and kind == "N_TO_N" and job.index is not None:
                yield other.children[job.index]
            elif other is not None:
                yield other
