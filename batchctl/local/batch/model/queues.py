"""Job queues: the order in which compute environments are tried, and which jobs go before which."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchctl.local.batch.api import tags
from batchctl.local.batch.api.errors import RefusedError
from batchctl.local.batch.api.paging import page
from batchctl.local.batch.model.environments import Environments
from batchctl.local.batch.model.lifecycle import Resource, check_name, check_state
from batchctl.local.batch.model.scheduling_policies import SchedulingPolicies, SchedulingPolicy
from batchctl.local.batch.model.scope import Clock, Scope, name_of

MAX_QUEUES = 50
"""AWS Batch User Guide, "AWS Batch service quotas": 50 job queues in a Region."""

MAX_ENVIRONMENTS = 3
"""AWS Batch User Guide, "AWS Batch service quotas": 3 compute environments to a job queue."""


_POLICY = "schedulingPolicyArn"


class Queues:
    """The job queues of the account, by name."""

    def __init__(
        self, scope: Scope, clock: Clock, transition_s: float, environments: Environments
    ) -> None:
        """Keep none yet; every change of status takes `transition_s` seconds."""
        self._scope, self._clock, self._transition_s = scope, clock, transition_s
        self._environments = environments
        self.policies = SchedulingPolicies(scope, self.has_policy)
        self._by_name: dict[str, Resource] = {}

    def create(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Start to create a queue of VALID compute environments; RefusedError as Batch refuses."""
        name = request["jobQueueName"]
        check_name(name, "jobQueueName")
        if name in self._by_name:
            raise RefusedError("Object already exists")
        if len(self._by_name) >= MAX_QUEUES:
            raise RefusedError("Job queue limit exceeded")
        self._by_name[name] = self._new(name, request)
        return _reference(self._by_name[name])

    def update(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Start to change a queue that Batch isn't changing already."""
        queue = self.existing(request["jobQueue"])
        queue.require_settled("update")
        state = request.get("state", queue.state)
        check_state(state)
        details = dict(queue.details)
        for member in ("priority", "jobStateTimeLimitActions"):
            if member in request:
                details[member] = request[member]
        if "computeEnvironmentOrder" in request:
            details["computeEnvironmentOrder"] = self._order(request["computeEnvironmentOrder"])
        if _POLICY in request:
            details[_POLICY] = self._replaced_policy(queue, request[_POLICY])
        queue.details, queue.state = details, state
        queue.pass_through("UPDATING", self._settles_at())
        return _reference(queue)

    def delete(self, request: Mapping[str, Any]) -> Resource:
        """Start to delete a DISABLED queue and return it: it goes when its jobs have ended."""
        queue = self.existing(request["jobQueue"])
        queue.require_settled("delete")
        queue.require_disabled()
        queue.pass_through("DELETING", self._settles_at())
        return queue

    def describe(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the named queues, or all; unknown names are passed over."""
        wanted = [name_of(item) for item in request.get("jobQueues", self._by_name)]
        found = [_detail(self._by_name[name]) for name in wanted if name in self._by_name]
        return page("jobQueues", found, request)

    def settle(self, has_unfinished: Mapping[str, int]) -> None:
        """End every passing status whose time has come; a queue goes when its jobs have ended."""
        for queue in list(self._by_name.values()):
            if not queue.is_due(self._clock()):
                continue
            if queue.status != "DELETING":
                queue.settle(None, "JobQueue Healthy")
            elif has_unfinished.get(queue.name):
                queue.settles_at = self._settles_at()
            else:
                del self._by_name[queue.name]

    def existing(self, reference: str) -> Resource:
        """Return the queue with this name or ARN; RefusedError when there is none."""
        queue = self._by_name.get(name_of(reference))
        if queue is None:
            raise RefusedError(f"JobQueue {reference} does not exist")
        return queue

    def by_priority(self) -> list[Resource]:
        """Return the queues, those first whose jobs go first."""
        return sorted(self._by_name.values(), key=lambda queue: -int(queue.details["priority"]))

    def names_environment(self, arn: str) -> bool:
        """Return whether a queue has this compute environment."""
        return any(arn in environment_order(queue) for queue in self._by_name.values())

    def has_policy(self, arn: str) -> bool:
        """Return whether a queue has this scheduling policy."""
        return any(queue.details.get(_POLICY) == arn for queue in self._by_name.values())

    def policy_of(self, queue: Resource) -> SchedulingPolicy | None:
        """Return the fair-share policy of a queue, None for a first-in, first-out one."""
        arn = queue.details.get(_POLICY)
        return None if arn is None else self.policies.existing(arn)

    def tagged(self, arn: str) -> Resource | None:
        """Return the queue with this ARN, for its tags."""
        return next((queue for queue in self._by_name.values() if queue.arn == arn), None)

    def next_due(self) -> float | None:
        """Return when the next passing status ends, None when all have settled."""
        times = [item.settles_at for item in self._by_name.values() if item.settles_at is not None]
        return min(times, default=None)

    def _new(self, name: str, request: Mapping[str, Any]) -> Resource:
        state, labels = request.get("state", "ENABLED"), dict(request.get("tags", {}))
        check_state(state)
        tags.check(labels)
        details = {
            "priority": request["priority"],
            "computeEnvironmentOrder": self._order(request.get("computeEnvironmentOrder", [])),
            "jobStateTimeLimitActions": request.get("jobStateTimeLimitActions", []),
        }
        if _POLICY in request:
            details[_POLICY] = self.policies.existing(request[_POLICY]).arn
        return Resource(
            name=name,
            arn=self._scope.arn("job-queue", name),
            state=state,
            tags=labels,
            settles_at=self._settles_at(),
            details=details,
        )

    def _replaced_policy(self, queue: Resource, arn: str) -> str:
        # CreateJobQueue, AWS Batch API Reference: a policy can be replaced, not added or removed.
        if _POLICY not in queue.details:
            raise RefusedError(f"A scheduling policy can't be added to job queue {queue.arn}")
        return self.policies.existing(arn).arn

    def _order(self, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if not 1 <= len(entries) <= MAX_ENVIRONMENTS:
            raise RefusedError(f"A job queue needs 1 to {MAX_ENVIRONMENTS} compute environments")
        ordered = []
        for entry in sorted(entries, key=lambda entry: int(entry["order"])):
            environment = self._environments.get(entry["computeEnvironment"])
            if environment is None:
                raise RefusedError(f"{entry['computeEnvironment']} does not exist")
            if environment.status != "VALID":
                raise RefusedError(f"ComputeEnvironment {environment.arn} is not valid")
            ordered.append({"order": entry["order"], "computeEnvironment": environment.arn})
        return ordered

    def _settles_at(self) -> float:
        return self._clock() + self._transition_s


def environment_order(queue: Resource) -> list[str]:
    """Return the ARNs of a queue's compute environments in the order in which they are tried."""
    return [entry["computeEnvironment"] for entry in queue.details["computeEnvironmentOrder"]]


def _reference(queue: Resource) -> dict[str, Any]:
    return {"jobQueueName": queue.name, "jobQueueArn": queue.arn}


def _detail(queue: Resource) -> dict[str, Any]:
    return _reference(queue) | {
        "state": queue.state,
        "status": queue.status,
        "statusReason": queue.status_reason,
        "jobQueueType": "ECS",
        "tags": dict(queue.tags),
        **queue.details,
    }
