"""What moves jobs on: from SUBMITTED to RUNNABLE, into a compute environment, and again.

The scheduler holds no lock and starts no thread; whoever owns it calls `tick` when something has
happened or is due, and `started` and `ended` when a runner reports. Queues are first in, first
out, or have shares (`shares`); a retried job goes to the front of its own (AWS Batch User Guide,
"Best practices").
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from batchctl.local.batch.model.capacity import Capacity
from batchctl.local.batch.model.dependencies import FAILED_REASON, Dependencies
from batchctl.local.batch.model.job import WAITING, Job, Status
from batchctl.local.batch.model.job_store import Jobs
from batchctl.local.batch.model.lifecycle import Resource
from batchctl.local.batch.model.queues import Queues
from batchctl.local.batch.model.scope import Clock
from batchctl.local.batch.model.shares import WaitingJobs
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

    def __init__(self, collections: SchedulerStores, clock: Clock) -> None:
        """Start with nothing to do."""
        self._clock = clock
        self._jobs, self._queues = collections.jobs, collections.queues
        self._capacity, self._attempts = collections.capacity, collections.attempts
        self._dependencies = Dependencies(self._jobs)
        self._submitted: deque[Job] = deque()
        self._waiting: dict[str, WaitingJobs] = {}
        self._placed: set[Job] = set()
        self._ended: deque[Job] = deque()

    def submit(self, job: Job) -> None:
        """Take up a job that was just added; its way begins with the next tick."""
        self._submitted.append(job)

    def observe(self, job: Job) -> None:
        """Take notice of a job whose status has changed (an observer of `Jobs`)."""
        if job in self._placed and (job.has_ended or job.status is Status.RUNNABLE):
            self._placed.discard(job)
            self._use(job, -job.specification.vcpus)
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
            self._waiting_with(job).add(job, first=True)
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
        self._waiting_with(job).add(job)

    def _waiting_with(self, job: Job) -> WaitingJobs:
        return self._waiting.setdefault(job.specification.queue, WaitingJobs(self._clock))

    def _place(self) -> None:
        for queue in self._queues.by_priority():
            waiting = self._waiting.get(queue.name)
            too_large: list[Job] = []
            while waiting is not None and self._place_next(queue, waiting, too_large):
                pass
            for job in reversed(too_large):
                self._waiting_with(job).add(job, first=True)

    def _place_next(self, queue: Resource, waiting: WaitingJobs, too_large: list[Job]) -> bool:
        """Place the job whose turn it is; False when there is none, or no room for it."""
        policy = self._queues.policy_of(queue)
        job = next(waiting.turns(policy), None)
        if job is None:
            return False
        vcpus = job.specification.vcpus
        environment = self._capacity.place(queue, vcpus)
        if environment is not None and not self._is_reserved(queue, waiting, vcpus):
            waiting.take(job)
            self._placed.add(job)
            self._use(job, vcpus)
            self._attempts.begin(job, environment)
            return True
        if self._capacity.could_ever_place(queue, vcpus):
            return False
        # Only a job that can't run at all lets others go before it.
        job.status_reason = TOO_LARGE
        waiting.take(job)
        too_large.append(job)
        return True

    def _is_reserved(self, queue: Resource, waiting: WaitingJobs, vcpus: float) -> bool:
        """Return whether what is free is kept for shares that have no jobs yet."""
        policy, in_use = self._queues.policy_of(queue), waiting.in_use()
        if policy is None or in_use == 0:
            return False
        open_to_all = self._capacity.total(queue) * (1 - policy.reserved(waiting.active()))
        return in_use + vcpus > open_to_all

    def _use(self, job: Job, vcpus: float) -> None:
        queue = self._queues.existing(job.specification.queue)
        self._waiting_with(job).use(job, vcpus, self._queues.policy_of(queue))
