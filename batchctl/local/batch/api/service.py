"""The Batch service: its operations, its one lock, and the thread that moves everything on.

A call takes the lock, changes what is kept, and wakes the thread. The thread does what is due
(`tick`) and sleeps until something is. Whatever talks to other services or to processes happens
outside the lock.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from batchctl.local.batch.api import protocol
from batchctl.local.batch.api.errors import RefusedError
from batchctl.local.batch.api.listing import list_jobs
from batchctl.local.batch.api.permissions import Alternatives, resources, tagged_at_creation
from batchctl.local.batch.api.protocol import Request
from batchctl.local.batch.api.submission import Submission
from batchctl.local.batch.api.tags import TagOperations
from batchctl.local.batch.api.views import detail
from batchctl.local.batch.model.capacity import Capacity
from batchctl.local.batch.model.definitions import Definitions
from batchctl.local.batch.model.environments import Environments
from batchctl.local.batch.model.job import Job
from batchctl.local.batch.model.job_store import Jobs, Observer
from batchctl.local.batch.model.queues import Queues
from batchctl.local.batch.model.scope import Clock, Scope
from batchctl.local.batch.running.account import Account
from batchctl.local.batch.running.running_attempts import STOP_GRACE_S, AttemptContext, Attempts
from batchctl.local.batch.running.scheduler import Scheduler, SchedulerStores
from batchctl.local.batch.running.task import Outcome, Runner

MAX_DESCRIBED = 100
"""DescribeJobs, AWS Batch API Reference: at most 100 job ids."""

_PAUSE_AFTER_FAILURE_S = 1.0

logger = logging.getLogger(__name__)

Operation = Callable[[Mapping[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class BatchConfig:
    """What the service runs on. Times are seconds."""

    scope: Scope
    clock: Clock
    vcpus: int
    account: Account
    runner: Runner
    transition_s: float = 0.3
    stop_grace_s: float = STOP_GRACE_S


class Batch:
    """AWS Batch for one account in one region."""

    def __init__(self, machine: BatchConfig, observers: Sequence[Observer] = ()) -> None:
        """Start empty; `observers` are notified of every job whose status has changed."""
        self._machine = machine
        self._changed = threading.Condition()
        self._is_dirty, self._is_closed = False, False
        self._build(observers)
        self._labels = TagOperations(
            self._environments, self._queues, self._queues.policies, self._definitions, self
        )
        self._operations = self._named_operations()

    def call(self, request: Request) -> dict[str, Any]:
        """Do what a request asks and return Batch's answer; RefusedError for what Batch refuses."""
        protocol.validate(request)
        operation = self._operations.get(request.operation)
        if operation is None:
            raise RefusedError(f"The local cloud does not serve {request.operation}")
        with self._changed:
            answer = operation(request.parameters)
            self._wake()
        return answer

    def authorised_on(self, request: Request) -> list[Alternatives]:
        """Return the ARNs that the caller of `request` needs permission for (see `permissions`)."""
        with self._changed:
            latest = self._definitions.latest(str(request.parameters.get("jobDefinition")))
        return resources(request, self._machine.scope, latest.revision if latest else None)

    def tags_at_creation(self, request: Request) -> str | None:
        """Return the ARN of what a request makes with tags, None when it makes no such thing."""
        return tagged_at_creation(request, self._machine.scope)

    def tags_of(self, arn: str) -> dict[str, str] | None:
        """Return the tags of the resource with this ARN, None when there is none."""
        with self._changed:
            return self._labels.find(arn)

    def started(self, task_id: str) -> None:
        """Record that the process of an attempt runs."""
        with self._changed:
            self._attempts.started(task_id)
            self._wake()

    def ended(self, task_id: str, outcome: Outcome) -> None:
        """Record how an attempt ended."""
        with self._changed:
            self._attempts.ended(task_id, outcome)
            self._wake()

    def interrupt(self, rate: float, chance: random.Random | None = None) -> Sequence[str]:
        """Reclaim running jobs' hosts, each with probability `rate`; return the job ids."""
        with self._changed:
            spread = chance or random.Random()  # noqa: S311 - which jobs are hit is no secret
            found = self._attempts.reclaim(rate, spread)
            self._wake()
        return found

    def tick(self) -> float | None:
        """Do all that is due; return when the next thing will be, None when nothing waits."""
        with self._changed:
            self._is_dirty = False
            due = self._environments.due()
        account = self._machine.account
        problems = [
            None if item.status == "DELETING" else account.problem_with(item.details)
            for item in due
        ]
        with self._changed:
            for environment, problem in zip(due, problems, strict=True):
                self._environments.settle(environment, problem)
            self._queues.settle(self._jobs.unfinished)
            self._scheduler.tick()
            return self._next_due()

    def run(self) -> None:
        """Tick whenever something has happened or is due, until `close`."""
        while not self._is_closed:
            due = self._tick_safely()
            with self._changed:
                if not self._is_dirty and not self._is_closed:
                    pause = None if due is None else max(0.0, due - self._machine.clock())
                    self._changed.wait(pause)

    def _tick_safely(self) -> float | None:
        try:
            return self.tick()
        except Exception:  # one resource's trouble must not stop all others for good
            logger.exception("the scheduler's tick failed")
            return self._machine.clock() + _PAUSE_AFTER_FAILURE_S

    def close(self, grace_s: float) -> None:
        """End `run` and every running job: SIGTERM now, SIGKILL after `grace_s` seconds."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
            for stop in ("terminate", "kill"):
                for handle in self._attempts.handles():
                    getattr(handle, stop)()
                self._changed.wait_for(lambda: not self._attempts.handles(), grace_s)

    def _build(self, observers: Sequence[Observer]) -> None:
        machine = self._machine
        scope, clock, pause = machine.scope, machine.clock, machine.transition_s
        self._definitions = Definitions(scope)
        self._environments = Environments(scope, clock, pause)
        self._queues = Queues(scope, clock, pause, self._environments)
        self._jobs = Jobs(clock, [self._observe, *observers])
        self._submission = Submission(self._queues, self._definitions, self._jobs)
        capacity = Capacity(self._environments, machine.vcpus)
        context = AttemptContext(scope, clock, machine.runner, self, machine.stop_grace_s)
        self._attempts = Attempts(self._jobs, capacity, context)
        self._scheduler = Scheduler(
            SchedulerStores(self._jobs, self._queues, capacity, self._attempts), clock
        )

    def _named_operations(self) -> dict[str, Operation]:
        labels = self._labels
        return {
            "CreateComputeEnvironment": self._environments.create,
            "UpdateComputeEnvironment": self._environments.update,
            "DeleteComputeEnvironment": self._delete_environment,
            "DescribeComputeEnvironments": self._environments.describe,
            "CreateJobQueue": self._queues.create,
            "UpdateJobQueue": self._queues.update,
            "DeleteJobQueue": self._delete_queue,
            "DescribeJobQueues": self._queues.describe,
            "CreateSchedulingPolicy": self._queues.policies.create,
            "UpdateSchedulingPolicy": self._queues.policies.update,
            "DeleteSchedulingPolicy": self._queues.policies.delete,
            "DescribeSchedulingPolicies": self._queues.policies.describe,
            "ListSchedulingPolicies": self._queues.policies.list,
            "RegisterJobDefinition": self._definitions.register,
            "DeregisterJobDefinition": self._definitions.deregister,
            "DescribeJobDefinitions": self._definitions.describe,
            "SubmitJob": self._submit,
            "DescribeJobs": self._describe,
            "ListJobs": self._list,
            "CancelJob": self._cancel,
            "TerminateJob": self._terminate,
            "TagResource": labels.tag,
            "UntagResource": labels.untag,
            "ListTagsForResource": labels.list,
        }

    def tagged(self, arn: str) -> Job | None:
        """Return the job with this ARN, for its tags, which children of an array have not.

        AWS Batch API Reference, TagResource: ARNs of child jobs are not supported.
        """
        job = self._jobs.get(arn.rpartition(":job/")[2])
        if job is None or job.parent is not None:
            return None
        return job if arn == self._machine.scope.arn("job", job.id) else None

    def _submit(self, request: Mapping[str, Any]) -> dict[str, Any]:
        job = self._submission.submit(request)
        self._scheduler.submit(job)
        arn = self._machine.scope.arn("job", job.id)
        return {"jobArn": arn, "jobName": job.specification.name, "jobId": job.id}

    def _describe(self, request: Mapping[str, Any]) -> dict[str, Any]:
        if len(request["jobs"]) > MAX_DESCRIBED:
            raise RefusedError(f"At most {MAX_DESCRIBED} jobs can be described at once")
        found = [self._jobs.get(job_id.rpartition(":job/")[2]) for job_id in request["jobs"]]
        return {"jobs": [detail(job, self._machine.scope) for job in found if job is not None]}

    def _list(self, request: Mapping[str, Any]) -> dict[str, Any]:
        return list_jobs(request, self._jobs, self._queues, self._machine.scope)

    def _cancel(self, request: Mapping[str, Any]) -> dict[str, Any]:
        job = self._jobs.get(request["jobId"])
        if job is not None:
            self._scheduler.cancel(job, request["reason"])
        return {}

    def _terminate(self, request: Mapping[str, Any]) -> dict[str, Any]:
        job = self._jobs.get(request["jobId"])
        if job is not None:
            self._scheduler.terminate(job, request["reason"])
        return {}

    def _delete_environment(self, request: Mapping[str, Any]) -> dict[str, Any]:
        return self._environments.delete(request, self._queues.names_environment)

    def _delete_queue(self, request: Mapping[str, Any]) -> dict[str, Any]:
        queue = self._queues.delete(request)
        for job in self._jobs.of_queue(queue.name):
            self._scheduler.terminate(job, "Job queue is being deleted")
        return {}

    def _observe(self, job: Job) -> None:
        self._scheduler.observe(job)

    def _next_due(self) -> float | None:
        times = (
            self._environments.next_due(),
            self._queues.next_due(),
            self._attempts.next_due(),
        )
        return min((due for due in times if due is not None), default=None)

    def _wake(self) -> None:
        self._is_dirty = True
        self._changed.notify_all()
