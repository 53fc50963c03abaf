"""The attempts that run now: started, timed, stopped, reclaimed; and what follows their end."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from batchctl.local.batch.model.capacity import Capacity
from batchctl.local.batch.model.job import Attempt, Job, Status
from batchctl.local.batch.model.job_store import Jobs
from batchctl.local.batch.model.lifecycle import Resource
from batchctl.local.batch.model.retries import Ending, is_retried
from batchctl.local.batch.model.scope import Clock, Scope, milliseconds
from batchctl.local.batch.running.container_tasks import task_arn, task_for
from batchctl.local.batch.running.task import Handle, Outcome, Reports, Runner

STOP_GRACE_S = 30.0
"""Amazon ECS Developer Guide, ECS_CONTAINER_STOP_TIMEOUT: SIGKILL 30 s after SIGTERM by default."""

EXITED = "Essential container in task exited"
NOT_STARTED = "Task failed to start"
TIMED_OUT = "Job attempt duration exceeded timeout"
RECLAIMED = "Host EC2 (instance i-{}) terminated."
"""The status reason that jobs of reclaimed hosts show; our rules match its beginning."""


class Stop(Enum):
    """Why an attempt is being stopped."""

    TERMINATED = "terminated"
    TIMED_OUT = "timed out"
    RECLAIMED = "reclaimed"


@dataclass
class RunningAttempt:
    """An attempt between its start and its end."""

    job: Job
    environment: Resource
    handle: Handle
    timeout_at: float | None = None
    stop: Stop | None = None
    stop_reason: str = ""
    kill_at: float | None = None


@dataclass(frozen=True)
class AttemptContext:
    """What attempts are run with."""

    scope: Scope
    clock: Clock
    runner: Runner
    reports: Reports
    stop_grace_s: float = STOP_GRACE_S


class Attempts:
    """The running attempts, by task id."""

    def __init__(self, jobs: Jobs, capacity: Capacity, context: AttemptContext) -> None:
        """Run nothing yet."""
        self._jobs, self._capacity, self._context = jobs, capacity, context
        self._running: dict[str, RunningAttempt] = {}
        self._retries: list[Job] = []

    def begin(self, job: Job, environment: Resource) -> None:
        """Start the next attempt of a RUNNABLE job in `environment`."""
        task = task_for(job, environment)
        arn = task_arn(task.id, environment, self._context.scope)
        job.attempts.append(Attempt(arn, environment.arn, log_stream=task.log_stream))
        self._capacity.take(environment, job.specification.vcpus)
        self._jobs.move(job, Status.STARTING)
        handle = self._context.runner.run(task, self._context.reports)
        self._running[task.id] = RunningAttempt(job, environment, handle)

    def started(self, task_id: str) -> None:
        """Note that the process of an attempt runs; its timeout counts from now."""
        running = self._running.get(task_id)
        if running is None:
            return
        now = self._context.clock()
        running.job.attempts[-1].started_at = milliseconds(now)
        if running.job.specification.timeout_s is not None:
            running.timeout_at = now + running.job.specification.timeout_s
        self._jobs.move(running.job, Status.RUNNING)

    def ended(self, task_id: str, outcome: Outcome) -> None:
        """Note how an attempt ended; its job has then ended too, or is RUNNABLE again."""
        running = self._running.pop(task_id, None)
        if running is None:
            return
        job = running.job
        self._capacity.give_back(running.environment, job.specification.vcpus)
        attempt = job.attempts[-1]
        attempt.stopped_at = milliseconds(self._context.clock())
        attempt.reason = outcome.reason
        attempt.status_reason = _status_reason(running, outcome)
        if running.stop is not Stop.RECLAIMED:
            attempt.exit_code = outcome.exit_code
        self._conclude(running, attempt)

    def terminate(self, job: Job, reason: str) -> None:
        """Stop the running attempt of a job for good."""
        for running in self._running.values():
            if running.job is job:
                self._stop(running, Stop.TERMINATED, reason)

    def reclaim(self, rate: float, chance: random.Random) -> Sequence[str]:
        """Take away the host of each RUNNING job with probability `rate`; return the job ids.

        Only Spot capacity is reclaimed. Every job has a host to itself.
        """
        chosen = {
            task_id: running
            for task_id, running in self._running.items()
            if running.job.status is Status.RUNNING
            and running.stop is None
            and running.environment.details["computeResources"]["type"] == "SPOT"
            and chance.random() < rate
        }
        for task_id, running in chosen.items():
            self._stop(running, Stop.RECLAIMED, RECLAIMED.format(task_id[:17]))
        return [running.job.id for running in chosen.values()]

    def tick(self) -> None:
        """Stop what has run for too long, and kill what hasn't stopped in time."""
        now = self._context.clock()
        for running in self._running.values():
            if running.timeout_at is not None and running.timeout_at <= now:
                self._stop(running, Stop.TIMED_OUT, TIMED_OUT)
            if running.kill_at is not None and running.kill_at <= now:
                running.kill_at = None
                running.handle.kill()

    def take_retries(self) -> list[Job]:
        """Return, once, the jobs that are RUNNABLE again after a failed attempt."""
        retries, self._retries = self._retries, []
        return retries

    def next_due(self) -> float | None:
        """Return when the next attempt has to be stopped or killed, None when none has."""
        times = [
            due
            for running in self._running.values()
            for due in (running.timeout_at, running.kill_at)
            if due is not None
        ]
        return min(times, default=None)

    def handles(self) -> list[Handle]:
        """Return all that runs, for a shutdown."""
        return [running.handle for running in self._running.values()]

    def _stop(self, running: RunningAttempt, stop: Stop, reason: str) -> None:
        running.timeout_at = None
        # A host that is being reclaimed takes its job with it; only the user's word goes above
        # that.
        if running.stop is None:
            running.kill_at = self._context.clock() + self._context.stop_grace_s
            running.handle.terminate()
        if running.stop is None or stop is Stop.TERMINATED:
            running.stop, running.stop_reason = stop, reason

    def _conclude(self, running: RunningAttempt, attempt: Attempt) -> None:
        job = running.job
        is_final = running.stop in {Stop.TERMINATED, Stop.TIMED_OUT}
        ending = Ending(attempt.exit_code, attempt.reason, attempt.status_reason)
        if attempt.exit_code == 0 and running.stop is None:
            self._jobs.move(job, Status.SUCCEEDED, attempt.status_reason)
        elif not is_final and is_retried(job.specification.retry, len(job.attempts), ending):
            self._jobs.move(job, Status.RUNNABLE, attempt.status_reason)
            self._retries.append(job)
        else:
            self._jobs.move(job, Status.FAILED, attempt.status_reason)


def _status_reason(running: RunningAttempt, outcome: Outcome) -> str:
    if running.stop is not None:
        return running.stop_reason
    return EXITED if outcome.exit_code is not None else NOT_STARTED
