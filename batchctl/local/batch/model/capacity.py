"""Where a job may run now: its queue's compute environments, and the machine's own vCPUs."""

from __future__ import annotations

import math
from collections import defaultdict

from batchctl.local.batch.model.environments import Environments
from batchctl.local.batch.model.lifecycle import Resource
from batchctl.local.batch.model.queues import environment_order


class Capacity:
    """How many vCPUs are in use, in each compute environment and on the machine."""

    def __init__(self, environments: Environments, machine_vcpus: int) -> None:
        """Offer the machine's vCPUs through `environments`; nothing is in use yet."""
        self._environments, self._machine_vcpus = environments, machine_vcpus
        self._in_use: defaultdict[str, float] = defaultdict(float)

    def place(self, queue: Resource, vcpus: float) -> Resource | None:
        """Return the queue's first environment with room for a job, None when none has any."""
        if not self._fits_machine(vcpus):
            return None
        return next((item for item in self._usable(queue) if self._has_room(item, vcpus)), None)

    def could_ever_place(self, queue: Resource, vcpus: float) -> bool:
        """Return whether the job would fit if nothing else ran."""
        return any(self._limit(environment) >= vcpus for environment in self._usable(queue))

    def total(self, queue: Resource) -> float:
        """Return how many vCPUs the queue's jobs can have at once."""
        limits = (self._limit(environment) for environment in self._usable(queue))
        return min(float(self._machine_vcpus), sum(limits))

    def take(self, environment: Resource, vcpus: float) -> None:
        """Note that a job runs in `environment`."""
        self._change(environment, vcpus)

    def give_back(self, environment: Resource, vcpus: float) -> None:
        """Note that a job no longer runs in `environment`."""
        self._change(environment, -vcpus)

    def _fits_machine(self, vcpus: float) -> bool:
        # A job that wants more vCPUs than this machine has runs alone: better slow than never.
        used = sum(self._in_use.values())
        return used + vcpus <= self._machine_vcpus or used == 0

    def _has_room(self, environment: Resource, vcpus: float) -> bool:
        return self._in_use[environment.arn] + vcpus <= self._limit(environment)

    def _usable(self, queue: Resource) -> list[Resource]:
        found = [self._environments.get(arn) for arn in environment_order(queue)]
        return [
            environment
            for environment in found
            if environment is not None
            and environment.state == "ENABLED"
            and environment.status in {"VALID", "UPDATING"}
        ]

    def _limit(self, environment: Resource) -> float:
        return float(environment.details["computeResources"]["maxvCpus"])

    def _change(self, environment: Resource, vcpus: float) -> None:
        self._in_use[environment.arn] += vcpus
        resources = environment.details["computeResources"]
        wanted = math.ceil(self._in_use[environment.arn])
        resources["desiredvCpus"] = max(resources["minvCpus"], wanted)
