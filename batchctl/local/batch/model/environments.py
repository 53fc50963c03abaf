"""Compute environments: what the machine's vCPUs are offered as, living as on AWS.

Nothing is launched for one. Its maxvCpus limits what runs in it, and what it names (instance
profile, subnets, security groups, service role) must exist in the emulator, or it becomes INVALID
as on AWS.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from batchctl.local.batch.api import tags
from batchctl.local.batch.api.errors import RefusedError
from batchctl.local.batch.api.paging import page
from batchctl.local.batch.model import compute_resources
from batchctl.local.batch.model.lifecycle import Resource, check_name, check_state
from batchctl.local.batch.model.scope import Clock, Scope, name_of

MAX_ENVIRONMENTS = 50
"""AWS Batch User Guide, "AWS Batch service quotas": 50 compute environments in a Region."""


class Environments:
    """The compute environments of the account, by name."""

    def __init__(self, scope: Scope, clock: Clock, transition_s: float) -> None:
        """Keep none yet; every change of status takes `transition_s` seconds."""
        self._scope, self._clock, self._transition_s = scope, clock, transition_s
        self._by_name: dict[str, Resource] = {}

    def create(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Start to create a managed EC2 or SPOT environment; RefusedError as Batch refuses."""
        name = request["computeEnvironmentName"]
        check_name(name, "computeEnvironmentName")
        if name in self._by_name:
            raise RefusedError("Object already exists")
        if len(self._by_name) >= MAX_ENVIRONMENTS:
            raise RefusedError("Compute environment limit exceeded")
        if request.get("state", "ENABLED") != "ENABLED":
            raise RefusedError("A compute environment must be created in the ENABLED state")
        environment = self._new(name, request)
        self._by_name[name] = environment
        return _reference(environment)

    def update(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Start to change an environment that Batch isn't changing already."""
        environment = self._existing(request["computeEnvironment"])
        environment.require_settled("update")
        check_state(request.get("state", environment.state))
        details = dict(environment.details)
        changes = dict(request.get("computeResources", {}))
        if "serviceRole" in request:
            details["serviceRole"] = request["serviceRole"]
        role = details.get("serviceRole", self._scope.service_role)
        is_linked_role = role == self._scope.service_role
        details["computeResources"] = compute_resources.changed(
            details["computeResources"], changes, is_linked_role=is_linked_role
        )
        if "updatePolicy" in request:
            details["updatePolicy"] = request["updatePolicy"]
        environment.details = details
        environment.state = request.get("state", environment.state)
        environment.pass_through("UPDATING", self._settles_at())
        return _reference(environment)

    def delete(
        self, request: Mapping[str, Any], is_in_queue: Callable[[str], bool]
    ) -> dict[str, Any]:
        """Start to delete a DISABLED environment whose ARN isn't `is_in_queue`."""
        environment = self._existing(request["computeEnvironment"])
        environment.require_settled("delete")
        environment.require_disabled()
        if is_in_queue(environment.arn):
            raise RefusedError("Cannot delete, found existing JobQueue relationship")
        environment.pass_through("DELETING", self._settles_at())
        return {}

    def describe(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the named environments, or all; unknown names are passed over."""
        wanted = [name_of(item) for item in request.get("computeEnvironments", self._by_name)]
        default = {"serviceRole": self._scope.service_role}
        found = [default | _detail(self._by_name[name]) for name in wanted if name in self._by_name]
        return page("computeEnvironments", found, request)

    def due(self) -> list[Resource]:
        """Return the environments whose passing status has lasted its time."""
        return [item for item in self._by_name.values() if item.is_due(self._clock())]

    def settle(self, environment: Resource, problem: str | None) -> None:
        """End an environment's passing status: gone, VALID, or INVALID because of `problem`."""
        if environment.status == "DELETING":
            del self._by_name[environment.name]
        else:
            environment.settle(problem, "ComputeEnvironment Healthy")

    def get(self, reference: str) -> Resource | None:
        """Return the environment with this name or ARN."""
        return self._by_name.get(name_of(reference))

    def tagged(self, arn: str) -> Resource | None:
        """Return the environment with this ARN, for its tags."""
        return next((item for item in self._by_name.values() if item.arn == arn), None)

    def next_due(self) -> float | None:
        """Return when the next passing status ends, None when all have settled."""
        times = [item.settles_at for item in self._by_name.values() if item.settles_at is not None]
        return min(times, default=None)

    def _new(self, name: str, request: Mapping[str, Any]) -> Resource:
        if request["type"] != "MANAGED":
            raise RefusedError("The local cloud has managed compute environments only")
        details = {
            "uuid": str(uuid.uuid4()),
            "computeResources": compute_resources.created(request.get("computeResources")),
        }
        if "serviceRole" in request:
            details["serviceRole"] = request["serviceRole"]
        labels = dict(request.get("tags", {}))
        tags.check(labels)
        return Resource(
            name=name,
            arn=self._scope.arn("compute-environment", name),
            state="ENABLED",
            tags=labels,
            settles_at=self._settles_at(),
            details=details,
        )

    def _existing(self, reference: str) -> Resource:
        environment = self.get(reference)
        if environment is None:
            raise RefusedError(f"{reference} does not exist")
        return environment

    def _settles_at(self) -> float:
        return self._clock() + self._transition_s


def _reference(environment: Resource) -> dict[str, Any]:
    return {
        "computeEnvironmentName": environment.name,
        "computeEnvironmentArn": environment.arn,
    }


def _detail(environment: Resource) -> dict[str, Any]:
    return _reference(environment) | {
        "type": "MANAGED",
        "state": environment.state,
        "status": environment.status,
        "statusReason": environment.status_reason,
        "containerOrchestrationType": "ECS",
        "tags": dict(environment.tags),
        **environment.details,
    }
