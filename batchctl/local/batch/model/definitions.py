"""Job definitions: numbered revisions of a name, ACTIVE until deregistered."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from batchctl.local.batch.api import tags
from batchctl.local.batch.api.errors import RefusedError
from batchctl.local.batch.api.paging import page
from batchctl.local.batch.model import containers, retries
from batchctl.local.batch.model.lifecycle import check_name
from batchctl.local.batch.model.scope import Scope, name_of

MAX_BYTES = 24 * 1024
"""AWS Batch User Guide, "AWS Batch service quotas": a job definition of at most 24 KiB."""

MIN_TIMEOUT_S = 60
"""JobTimeout, AWS Batch API Reference: at least 60 seconds."""

MAX_PRIORITY = 9999
"""RegisterJobDefinition, AWS Batch API Reference: schedulingPriority is 0 to 9999."""

_KEPT = ("parameters", "retryStrategy", "timeout", "propagateTags", "schedulingPriority")


@dataclass
class Definition:
    """One revision: what was registered, with what Batch adds to it."""

    name: str
    revision: int
    arn: str
    container: dict[str, Any]
    tags: dict[str, str]
    others: dict[str, Any] = field(default_factory=dict)
    status: str = "ACTIVE"


class Definitions:
    """The job definitions of the account: by name, every revision in order."""

    def __init__(self, scope: Scope) -> None:
        """Keep none yet."""
        self._scope = scope
        self._by_name: dict[str, list[Definition]] = {}

    def register(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Add a revision, even of identical content; RefusedError as Batch refuses."""
        name = request["jobDefinitionName"]
        check_name(name, "jobDefinitionName")
        if request["type"] != "container" or "containerProperties" not in request:
            raise RefusedError("The local cloud has definitions of type container only")
        if len(json.dumps(dict(request)).encode()) > MAX_BYTES:
            raise RefusedError(f"A job definition must not have more than {MAX_BYTES} bytes")
        check_run_settings(request)
        check_priority(request.get("schedulingPriority", 0), "schedulingPriority")
        definition = self._new(name, request)
        self._by_name.setdefault(name, []).append(definition)
        return _reference(definition)

    def deregister(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Make a revision INACTIVE; jobs that use it go on, new ones are refused."""
        reference = name_of(request["jobDefinition"])
        if ":" not in reference:
            raise RefusedError("Job definition must be NAME:REVISION or an ARN")
        definition = self._find(reference)
        if definition is None:
            raise RefusedError(f"Job definition {request['jobDefinition']} does not exist")
        definition.status = "INACTIVE"
        return {}

    def describe(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return revisions by ARN or NAME:REVISION, name, status, or all; the newest first."""
        found = [
            _detail(definition)
            for definition in self._selected(request)
            if request.get("status") in {None, definition.status}
        ]
        return page("jobDefinitions", found, request)

    def active(self, reference: str) -> Definition:
        """Return the revision that a job names, the latest ACTIVE one for a bare name."""
        name = name_of(reference)
        definition = self._find(name) if ":" in name else self.latest(name)
        if definition is None:
            raise RefusedError(f"JobDefinition {reference} does not exist")
        if definition.status != "ACTIVE":
            raise RefusedError(f"JobDefinition {definition.arn} is not ACTIVE")
        return definition

    def latest(self, name: str) -> Definition | None:
        """Return the latest ACTIVE revision of `name`."""
        revisions = reversed(self._by_name.get(name, []))
        return next((item for item in revisions if item.status == "ACTIVE"), None)

    def tagged(self, arn: str) -> Definition | None:
        """Return the revision with this ARN, for its tags."""
        return next((item for item in self._all() if item.arn == arn), None)

    def _new(self, name: str, request: Mapping[str, Any]) -> Definition:
        # A revision's number is never used again: INACTIVE revisions stay in the list.
        revision = len(self._by_name.get(name, [])) + 1
        labels = dict(request.get("tags", {}))
        tags.check(labels)
        return Definition(
            name=name,
            revision=revision,
            arn=self._scope.arn("job-definition", f"{name}:{revision}"),
            container=containers.registered(request["containerProperties"]),
            tags=labels,
            others={member: request[member] for member in _KEPT if member in request},
        )

    def _selected(self, request: Mapping[str, Any]) -> Iterator[Definition]:
        if "jobDefinitions" not in request:
            wanted = request.get("jobDefinitionName")
            yield from (item for item in self._all() if wanted in {None, item.name})
            return
        for reference in request["jobDefinitions"]:
            name = name_of(reference)
            found = [self._find(name)] if ":" in name else reversed(self._by_name.get(name, []))
            yield from (item for item in found if item is not None)

    def _all(self) -> Iterator[Definition]:
        for revisions in self._by_name.values():
            yield from reversed(revisions)

    def _find(self, name_and_revision: str) -> Definition | None:
        name, _, number = name_and_revision.partition(":")
        revisions = self._by_name.get(name, [])
        return next((item for item in revisions if str(item.revision) == number), None)


def check_priority(priority: int, member: str) -> None:
    """Refuse a scheduling priority that Batch refuses (SubmitJob, AWS Batch API Reference)."""
    if not 0 <= priority <= MAX_PRIORITY:
        raise RefusedError(f"{member} must be between 0 and {MAX_PRIORITY}")


def check_run_settings(request: Mapping[str, Any]) -> None:
    """Refuse a retry strategy or timeout that Batch refuses, of a definition or of a job."""
    retries.check(request.get("retryStrategy", {}))
    timeout_s = request.get("timeout", {}).get("attemptDurationSeconds", MIN_TIMEOUT_S)
    if timeout_s < MIN_TIMEOUT_S:
        raise RefusedError(f"attemptDurationSeconds must be at least {MIN_TIMEOUT_S}")


def _reference(definition: Definition) -> dict[str, Any]:
    return {
        "jobDefinitionName": definition.name,
        "jobDefinitionArn": definition.arn,
        "revision": definition.revision,
    }


def _detail(definition: Definition) -> dict[str, Any]:
    added: dict[str, Any] = {
        "type": "container",
        "status": definition.status,
        "parameters": {},
        "tags": dict(definition.tags),
        "platformCapabilities": ["EC2"],
        "containerOrchestrationType": "ECS",
        "containerProperties": definition.container,
    }
    return _reference(definition) | added | definition.others
