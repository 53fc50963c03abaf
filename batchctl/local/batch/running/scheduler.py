"""What moves jobs on: from SUBMITTED to RUNNABLE, into a compute environment, and again.

The scheduler holds no lock and starts no thread; whoever owns it calls `tick` when something has
happened or is due, and `started` and `ended` when a runner reports. Queues are first in, first
out; a retried job goes to the front (AWS Batch User Guide, "Best practices").
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from batchctl.local.batch.model.capacity import Capacity
from batchctl.local.batch.model.dependencies import FAILED_REASON, Dependencies
from batchctl.local.batch.model.job import WAITING, Job, Status
from batchctl.local.batch.model.job_store import Jobs
from batchctl.local.batch.model.queues import Queues
from batchctl.local.batch.running.running_attempts import Attempts

TOO_LARGE = (
    "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - the job wants more vCPUs than maxvCpus "
    "of any ENABLED and VALID compute environment of its queue"
)


@dataclass(frozen=True)
class SchedulerStores:
    """What the scheduler works on."""

    jobs: Jobs
    queues: Queues
    capacity: Capacity
    attempts: Attempts


class Scheduler:
    """Decides which job comes next, and where."""

    def __init__(self, collections: SchedulerStores) -> None:
        """Start with nothing to do."""
        self._jobs, self._queues = collections.jobs, collections.queues
        self._capacity, self._attempts = collections.capacity, collections.attempts
        self._dependencies = Dependencies(self._jobs)
        self._submitted: deque[Job] = deque()
        self._runnable: dict[str, deque[Job]] = {}
        self._ended: deque[Job] = deque()

    def submit(self, job: Job) -> None:
        """Take up a job that was just added; its way begins with the next tick."""
        self._submitted.append(job)

    def observe(self, job: Job) -> None:
        """Be told of a job whose status has changed (an observer of `Jobs`)."""
        if job.has_ended:
            # Not acted on here: a chain of 10,000 dependent children would recurse 10,000 deep.
            self._ended.append(job)

    def tick(self) -> None:
        """Do all that can be done now."""
        self._attempts.tick()
        while self._submitted:
            self._admit(self._submitted.popleft())
        self._release()
        for job in self._attempts.take_retries():
            self._queue_of(job).appendleft(job)
        self._place()

    def cancel(self, job: Job, reason: str) -> None:
        """End a job that hasn't started; of an array job's children those that haven't."""
        for item in job.children or [job]:
            if item.status in WAITING:
                item.is_cancelled = True
                self._jobs.move(item, Status.FAILED, reason)
        job.is_cancelled = job.is_cancelled or bool(job.children)

    def terminate(self, job: Job, reason: str) -> None:
        """End a job in any state, with `reason`; an array job with all its children."""
        if job.has_ended:
            return
        job.is_terminated = True
        if job.children:
            job.status_reason = reason
        for item in job.children or [job]:
            if item.has_ended:
                continue
            item.is_terminated = True
            if item.status in WAITING:
                self._jobs.move(item, Status.FAILED, reason)
            else:
                self._attempts.terminate(item, reason)

    def _admit(self, job: Job) -> None:
        if job.children and not job.has_ended:
            self._jobs.move(job, Status.PENDING)
        for item in job.children or [job]:
            if not item.has_ended:
                self._admit_one(item)

    def _admit_one(self, job: Job) -> None:
        if self._dependencies.add(job):
            self._jobs.move(job, Status.FAILED, FAILED_REASON)
        elif job.unmet_dependencies == 0:
            self._make_runnable(job)
        elif job.status is Status.SUBMITTED:
            self._jobs.move(job, Status.PENDING)

    def _release(self) -> None:
        while self._ended:
            ended = self._ended.popleft()
            for job in self._dependencies.released(ended):
                if job.status is not Status.PENDING:
                    continue
                if ended.status is Status.FAILED:
                    self._jobs.move(job, Status.FAILED, FAILED_REASON)
                elif job.unmet_dependencies == 0:
                    self._make_runnable(job)

    def _make_runnable(self, job: Job) -> None:
        self._jobs.move(job, Status.RUNNABLE)
        self._queue_of(job).append(job)

    def _queue_of(self, job: Job) -> deque[Job]:
        return self._runnable.setdefault(job.specification.queue, deque())

    def _place(self) -> None:
        for queue in self._queues.by_priority():
            runnable = self._runnable.get(queue.name)
            too_large: list[Job] = []
            while runnable:
                job = runnable[0]
                vcpus = job.specification.vcpus
                environment = self._capacity.place(queue, vcpus)
                if job.status is not Status.RUNNABLE:
                    runnable.popleft()
                elif environment is not None:
                    runnable.popleft()
                    self._attempts.begin(job, environment)
                elif not self._capacity.could_ever_place(queue, vcpus):
                    # Only a job that can't run at all lets others go before it.
                    job.status_reason = TOO_LARGE
                    too_large.append(runnable.popleft())
                else:
                    break
            if runnable is not None:
                runnable.extendleft(reversed(too_large))
