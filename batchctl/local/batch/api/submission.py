"""SubmitJob: from a request to a job, with every rule that makes Batch refuse one."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from batchctl.local.batch.api import tags
from batchctl.local.batch.api.errors import RefusedError
from batchctl.local.batch.model import containers
from batchctl.local.batch.model.definitions import (
    Definition,
    Definitions,
    check_priority,
    check_run_settings,
)
from batchctl.local.batch.model.job import Job, Specification
from batchctl.local.batch.model.job_store import Jobs
from batchctl.local.batch.model.lifecycle import Resource
from batchctl.local.batch.model.queues import Queues
from batchctl.local.batch.model.scheduling_policies import MAX_SHARES, check_share

MAX_PAYLOAD = 30 * 1024
"""AWS Batch User Guide, "AWS Batch service quotas": a SubmitJob request of at most 30 KiB."""

MIN_ARRAY, MAX_ARRAY = 2, 10_000
"""ArrayProperties, AWS Batch API Reference: between 2 and 10,000 children."""

MAX_DEPENDENCIES = 20
"""AWS Batch User Guide, "AWS Batch service quotas": at most 20 dependencies."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_OVERRIDE = "schedulingPriorityOverride"
_UNSERVED = ("nodeOverrides", "eksPropertiesOverride", "ecsPropertiesOverride")


@dataclass(frozen=True)
class Submission:
    """What a job is made of: queues, definitions and the jobs that there are."""

    queues: Queues
    definitions: Definitions
    jobs: Jobs

    def submit(self, request: Mapping[str, Any]) -> Job:
        """Check a request and add its job, yet to be scheduled; RefusedError as Batch."""
        _check_request(request)
        queue = self.queues.existing(request["jobQueue"])
        if queue.state != "ENABLED" or queue.status not in {"VALID", "UPDATING"}:
            raise RefusedError(f"JobQueue {queue.arn} is not ENABLED and VALID")
        definition = self.definitions.active(request["jobDefinition"])
        size = request.get("arrayProperties", {}).get("size")
        self._check_dependencies(request.get("dependsOn", []), size)
        specification = replace(
            _specification(request, definition, (queue.name, queue.arn)),
            **self._turn(request, definition, queue),
        )
        labels = dict(request.get("tags", {}))
        if specification.propagate_tags:
            labels = definition.tags | labels
        return self.jobs.add(str(uuid.uuid4()), specification, size, labels)

    def _turn(
        self, request: Mapping[str, Any], definition: Definition, queue: Resource
    ) -> dict[str, Any]:
        """Return share and priority; a queue with a fair-share policy takes no job without them.

        The texts are AWS's, as reported by its users (boto3 #3158, nextflow #3505).
        """
        share, priority = request.get("shareIdentifier"), request.get(_OVERRIDE)
        if self.queues.policy_of(queue) is None:
            given = [member for member in ("shareIdentifier", _OVERRIDE) if member in request]
            if given:
                raise RefusedError(f"{given[0]} is for job queues with a fair-share policy only")
            return {}
        if share is None:
            raise RefusedError("shareIdentifier must be specified.")
        check_share(share)
        active = self.jobs.active_shares(queue.name)
        if share not in active and len(active) >= MAX_SHARES:
            raise RefusedError(f"A job queue has at most {MAX_SHARES} active share identifiers")
        priority = definition.others.get("schedulingPriority") if priority is None else priority
        if priority is None:
            raise RefusedError(
                "Either schedulingPriority in job definition or schedulingPriorityOverride should"
                " be specified."
            )
        check_priority(priority, _OVERRIDE)
        return {"share": share, "priority": priority}

    def _check_dependencies(self, dependencies: list[dict[str, str]], size: int | None) -> None:
        if len(dependencies) > MAX_DEPENDENCIES:
            raise RefusedError(f"A job must not have more than {MAX_DEPENDENCIES} dependencies")
        for dependency in dependencies:
            kind, job_id = dependency.get("type"), dependency.get("jobId")
            if kind not in {None, "N_TO_N", "SEQUENTIAL"}:
                raise RefusedError(f"Dependency type {kind} is not valid")
            if kind is not None and size is None:
                raise RefusedError(f"A dependency of type {kind} is for array jobs only")
            if kind == "SEQUENTIAL" and job_id is None:
                continue
            other = self.jobs.get(job_id) if job_id else None
            if other is None:
                raise RefusedError(f"Dependency {job_id} does not exist")
            if kind == "N_TO_N" and len(other.children) != size:
                raise RefusedError("An N_TO_N dependency needs array jobs of the same size")


def _check_request(request: Mapping[str, Any]) -> None:
    if not _NAME.fullmatch(request["jobName"]):
        raise RefusedError(f"jobName {request['jobName']!r} is not valid")
    if len(json.dumps(dict(request)).encode()) > MAX_PAYLOAD:
        raise RefusedError(f"A SubmitJob request must not have more than {MAX_PAYLOAD} bytes")
    unserved = [member for member in _UNSERVED if member in request]
    if unserved:
        raise RefusedError(f"The local cloud does not serve {unserved[0]}")
    size = request.get("arrayProperties", {}).get("size")
    if size is not None and not MIN_ARRAY <= size <= MAX_ARRAY:
        raise RefusedError(f"Array size must be between {MIN_ARRAY} and {MAX_ARRAY}")
    tags.check(request.get("tags", {}))
    check_run_settings(request)


def _specification(
    request: Mapping[str, Any], definition: Definition, queue: tuple[str, str]
) -> Specification:
    overrides = request.get("containerOverrides", {})
    container = containers.overridden(definition.container, overrides)
    parameters = definition.others.get("parameters", {}) | request.get("parameters", {})
    settings = definition.others | dict(request)
    command = tuple(containers.command(container, parameters))
    return Specification(
        name=request["jobName"],
        queue=queue[0],
        queue_arn=queue[1],
        definition_name=definition.name,
        definition_arn=definition.arn,
        container=container,
        command=command,
        parameters=parameters,
        retry={"attempts": 1, "evaluateOnExit": []} | settings.get("retryStrategy", {}),
        timeout_s=settings.get("timeout", {}).get("attemptDurationSeconds"),
        vcpus=containers.vcpus(container),
        depends_on=tuple(request.get("dependsOn", ())),
        propagate_tags=bool(settings.get("propagateTags", False)),
    )
