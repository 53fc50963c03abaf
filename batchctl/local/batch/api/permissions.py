"""Which resources a Batch call is authorised on.

Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Batch". A
call needs its action allowed on every resource in the answer; where AWS accepts one of several
ARNs for the same resource (a job definition with and without its revision) they are alternatives.
"""

from __future__ import annotations

from typing import Any

from batchctl.local.batch.api.protocol import Request
from batchctl.local.batch.model.scope import Scope, name_of

Alternatives = tuple[str, ...]

_NAMED = {
    "CreateComputeEnvironment": ("compute-environment", "computeEnvironmentName"),
    "UpdateComputeEnvironment": ("compute-environment", "computeEnvironment"),
    "DeleteComputeEnvironment": ("compute-environment", "computeEnvironment"),
    "CreateJobQueue": ("job-queue", "jobQueueName"),
    "UpdateJobQueue": ("job-queue", "jobQueue"),
    "DeleteJobQueue": ("job-queue", "jobQueue"),
    "SubmitJob": ("job-queue", "jobQueue"),
    "CreateSchedulingPolicy": ("scheduling-policy", "name"),
    "UpdateSchedulingPolicy": ("scheduling-policy", "arn"),
    "DeleteSchedulingPolicy": ("scheduling-policy", "arn"),
    "RegisterJobDefinition": ("job-definition", "jobDefinitionName"),
    "DeregisterJobDefinition": ("job-definition", "jobDefinition"),
    "CancelJob": ("job", "jobId"),
    "TerminateJob": ("job", "jobId"),
}
_TAGGING = frozenset({"TagResource", "UntagResource", "ListTagsForResource"})


def resources(request: Request, scope: Scope, latest_revision: int | None) -> list[Alternatives]:
    """Return what `request` is authorised on, the chief resource first; `*` for what takes none.

    `latest_revision` is that of the job definition which a SubmitJob names without a revision, if
    it has any.
    """
    parameters = request.parameters
    if request.operation in _TAGGING:
        return [(str(parameters.get("resourceArn", "*")),)]
    if request.operation not in _NAMED:
        return [("*",)]
    kind, member = _NAMED[request.operation]
    found: list[Alternatives] = [(_arn(scope, kind, parameters.get(member)),)]
    if request.operation == "SubmitJob":
        found.append(_definition(scope, parameters.get("jobDefinition"), latest_revision))
    if request.operation in {"CreateJobQueue", "UpdateJobQueue"}:
        found += _environments(scope, parameters.get("computeEnvironmentOrder"))
        if isinstance(policy := parameters.get("schedulingPolicyArn"), str):
            found.append((policy,))
    return found


def tagged_at_creation(request: Request, scope: Scope) -> str | None:
    """Return what a call also needs `batch:TagResource` on: the thing that it makes with tags.

    A job has no id before it is made: any job stands for it.
    """
    if not request.parameters.get("tags") or request.operation in _TAGGING:
        return None
    if request.operation == "SubmitJob":
        return scope.arn("job", "*")
    kind, member = _NAMED[request.operation]
    return _arn(scope, kind, request.parameters.get(member))


def _arn(scope: Scope, kind: str, reference: Any) -> str:
    if not isinstance(reference, str):
        return "*"
    return reference if reference.startswith("arn:") else scope.arn(kind, reference)


def _definition(scope: Scope, reference: Any, latest_revision: int | None) -> Alternatives:
    arn = _arn(scope, "job-definition", reference)
    if not isinstance(reference, str) or ":" in name_of(reference) or latest_revision is None:
        return (arn,)
    return (arn, f"{arn}:{latest_revision}")


def _environments(scope: Scope, order: Any) -> list[Alternatives]:
    entries = order if isinstance(order, list) else []
    return [
        (_arn(scope, "compute-environment", entry.get("computeEnvironment")),)
        for entry in entries
        if isinstance(entry, dict)
    ]
