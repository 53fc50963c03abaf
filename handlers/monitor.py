"""Finds out how jobs stand, and records the end of those that have ended.

AWS Batch is the truth about a job while it runs; once the end is in the JOB record, the record is.
A job has SUCCEEDED when every item has a result that says so, and FAILED when all its Batch jobs
have ended otherwise. Batch forgets a job some days after its end (AWS Batch User Guide, "Job
states": at least 7): then the results in the table tell which tasks succeeded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handlers.progress import Counts, Observation, observe, status_of, succeeded_tasks
from handlers.record import FINAL, JobRecord, Status, seconds, timestamp
from handlers.results import Results
from handlers.table import End, JobTable
from handlers.universe import Universe

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient
    from mypy_boto3_batch.type_defs import JobDetailTypeDef

IDS_PER_CALL = 100
"""Jobs of one DescribeJobs (AWS Batch API reference, DescribeJobs)."""

NEW_JOB_S = 300.0
"""DescribeJobs leaves out what it doesn't know: a job submitted less long ago may be too new."""


@dataclass(frozen=True)
class Progress:
    """How a job stands. `finished_at` is ISO 8601, and `None` while the job has not ended."""

    status: Status
    counts: Counts
    finished_at: str | None = None


@dataclass(frozen=True)
class Monitor:
    """Looks at jobs. `clock` gives seconds since the epoch."""

    jobs: JobTable
    results: Results
    universe: Universe
    batch: BatchClient
    clock: Callable[[], float]

    def look(self, jobs: Sequence[JobRecord], deadline: float) -> list[Progress]:
        """Tell how each job stands as of now, and record what has ended.

        Counting the results of a huge job stops at the deadline (of the results' clock): the job
        counts as RUNNING until a later look has finished counting.
        """
        unfinished = [job for job in jobs if job.status not in FINAL]
        details = self._describe(
            [batch_job.id for job in unfinished for batch_job in job.batch_jobs]
        )
        return [self._progress(job, details, deadline) for job in jobs]

    def _describe(self, ids: Sequence[str]) -> dict[str, JobDetailTypeDef]:
        chunks = (ids[start : start + IDS_PER_CALL] for start in range(0, len(ids), IDS_PER_CALL))
        return {
            detail["jobId"]: detail
            for chunk in chunks
            for detail in self.batch.describe_jobs(jobs=chunk)["jobs"]
        }

    def _progress(
        self, job: JobRecord, details: Mapping[str, JobDetailTypeDef], deadline: float
    ) -> Progress:
        if job.status in FINAL:
            return _recorded(job)
        seen = [
            observe(batch_job, details.get(batch_job.id), forgotten=self._is_old(job))
            for batch_job in job.batch_jobs
        ]
        counts = sum(self._counts(job, seen), _waiting(job))
        if job.status is Status.SUBMITTED and all(one.ended for one in seen):
            return self._ended(job, seen, counts, deadline)
        return Progress(status_of(job, counts), counts)

    def _is_old(self, job: JobRecord) -> bool:
        """Tell whether Batch must know the Batch jobs by now, unless it has forgotten them."""
        return job.submitted_at is not None and self.clock() - seconds(job.submitted_at) > NEW_JOB_S

    def _counts(self, job: JobRecord, seen: Sequence[Observation]) -> list[Counts]:
        """Give the counts of each Batch job; from the results where Batch doesn't say."""
        unsaid = any(one.counts is None for one in seen)
        done = frozenset(self.results.succeeded(job.job_id)) if unsaid else frozenset[str]()
        universe = list(self.universe.read(job.job_id)) if unsaid else []
        return [one.counts or _from_results(job, one, universe, done) for one in seen]

    def _ended(
        self, job: JobRecord, seen: Sequence[Observation], counts: Counts, deadline: float
    ) -> Progress:
        """Record the end of a job whose Batch jobs have all ended."""
        tally, complete = self.results.tally(job.job_id, job.tally, deadline)
        if not complete:
            self.jobs.keep_tally(job.job_id, tally)
            return Progress(Status.RUNNING, counts)
        status = Status.SUCCEEDED if tally.succeeded == job.items else Status.FAILED
        stopped = max((one.stopped_at or 0 for one in seen), default=0) / 1000
        finished_at = timestamp(stopped or self.clock())
        self.jobs.end(job.job_id, End(status, finished_at, counts.succeeded, counts.failed))
        return Progress(status, counts, finished_at)


def _recorded(job: JobRecord) -> Progress:
    """Tell the end that the record tells; tasks that neither succeeded nor failed never ran."""
    succeeded, failed = job.succeeded or 0, job.failed or 0
    counts = Counts(job.tasks - succeeded - failed, 0, succeeded, failed)
    return Progress(job.status, counts, job.finished_at)


def _waiting(job: JobRecord) -> Counts:
    """Count the tasks that aren't submitted yet."""
    return Counts(pending=job.tasks - sum(batch_job.tasks for batch_job in job.batch_jobs))


def _from_results(
    job: JobRecord, one: Observation, universe: Sequence[str], done: frozenset[str]
) -> Counts:
    succeeded = succeeded_tasks(job, one.batch_job, universe, done)
    return Counts(succeeded=succeeded, failed=one.batch_job.tasks - succeeded)


def limit_ids(jobs: Sequence[JobRecord], ids: int = IDS_PER_CALL) -> list[JobRecord]:
    """Give the first jobs, as many as one DescribeJobs can tell about."""
    taken: list[JobRecord] = []
    for job in jobs:
        ids -= len(job.batch_jobs)
        if ids < 0:
            break
        taken.append(job)
    return taken
