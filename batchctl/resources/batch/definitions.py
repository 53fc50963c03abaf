"""Job definitions: what a job runs; every change is a new revision under the same name."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from batchctl.aws.errors import ignore_missing
from batchctl.aws.session import Aws
from batchctl.contract.environment import REGION_VARIABLES
from batchctl.contract.reasons import EXIT_TERMINATED
from batchctl.resource import (
    Actual,
    Deployed,
    Document,
    Group,
    Output,
    Outputs,
    Properties,
    Resource,
    is_owned,
    require_owned,
    resolve,
)
from batchctl.resource.grants import Grant
from batchctl.resources.batch.jobs import definitions_at_work
from batchctl.resources.batch.tags import Tagged
from batchctl.resources.iam.roles import Role
from batchctl.resources.logs import LogGroup

# A task is tried again when its machine was taken away or could not start it, and never when the
# program failed: that is the program's to retry. Five entries at most, the first that matches
# decides, and no match is a retry (AWS Batch API Reference, EvaluateOnExit; User Guide, "Automated
# job retries" and "Best practices").
EVALUATE_ON_EXIT = (
    {"onStatusReason": "Host EC2*", "action": "RETRY"},
    # An image that can't be pulled is one of these.
    {"onStatusReason": "Task failed to start*", "action": "RETRY"},
    {"onReason": "AGENT", "action": "RETRY"},
    # SIGTERM: the container ended before its host did, and Batch says no more than that it ended.
    # What was terminated or ran out of time isn't retried, whatever stands here ("Automated job
    # retries").
    {"onExitCode": str(EXIT_TERMINATED), "action": "RETRY"},
    {"onReason": "*", "action": "EXIT"},
)


# What a revision by other hands could give the container of the host or of other roles, whom it
# could let into the container, and what could keep it from running; these are AWS Batch's own
# values where nothing is said (AWS Batch API Reference, ContainerProperties).
UNSET: Mapping[str, Any] = {
    "enableExecuteCommand": False,
    "linuxParameters": Document(),
    "readonlyRootFilesystem": False,
    "ulimits": [],
    "privileged": False,
    "executionRoleArn": "",
    "volumes": [],
    "mountPoints": [],
    "secrets": [],
}
RATIONED = "consumableResourceProperties"


DEFINITIONS = ("job-definition/{stack}-*",)


@dataclass(frozen=True)
class JobDefinitionOutputs(Outputs):
    """The id is the name, `arn` the latest revision's, `name_arn` that of all the revisions.

    SubmitJob by name takes the latest ACTIVE revision and is authorised on `name_arn`.
    """

    name_arn: str


@dataclass(frozen=True, kw_only=True)
class JobDefinition(Tagged, Resource[JobDefinitionOutputs]):
    """A container on EC2, with its own log group; `job_role` is what its program may do.

    `command` is empty for the image's own. `user` is whom the program runs as, "" for the image's
    own (`UID`, `UID:GID` or a name).

    Revisions can't be changed, so a change registers another one. Of the old ones the last `keep`,
    the new one counted, stay ACTIVE, and those that jobs in flight were made from.
    """

    image: str | Output
    command: tuple[str, ...]
    vcpus: int
    memory_mib: int
    timeout_s: int
    attempts: int
    job_role: Role
    log_group: LogGroup
    user: str = ""
    environment: Mapping[str, str | Output] = field(default_factory=dict)
    keep: int = 5

    kind: ClassVar[str] = "job_definition"
    group: ClassVar[Group | None] = Group.COMPUTE
    outputs: ClassVar[type[JobDefinitionOutputs]] = JobDefinitionOutputs
    identity: ClassVar[tuple[str, ...]] = ("jobDefinitionName",)
    grants: ClassVar[tuple[Grant, ...]] = (
        Grant("read up down", "batch", "DescribeJobDefinitions"),
        Grant("read up", "batch", "DescribeJobQueues ListJobs"),
        Grant("up", "batch", "RegisterJobDefinition TagResource UntagResource", DEFINITIONS),
        Grant("up down", "batch", "DeregisterJobDefinition", DEFINITIONS),
    )

    def desired(self, deployed: Deployed) -> Properties:
        """Return the parameters of RegisterJobDefinition."""
        return {
            "jobDefinitionName": self.physical_name,
            "type": "container",
            "platformCapabilities": ["EC2"],
            "propagateTags": False,
            "timeout": {"attemptDurationSeconds": self.timeout_s},
            "retryStrategy": {
                "attempts": self.attempts,
                "evaluateOnExit": [dict(each) for each in EVALUATE_ON_EXIT],
            },
            "containerProperties": {
                "image": resolve(self.image, deployed),
                "command": list(self.command),
                "user": self.user,
                "jobRoleArn": deployed[self.job_role].arn,
                "resourceRequirements": self._resource_requirements(),
                "environment": self._environment(deployed),
                "logConfiguration": self._log_configuration(deployed),
                **UNSET,
            },
            # Of which jobs wait until others give some back.
            RATIONED: Document(),
        }

    def foreseen(self, deployed: Deployed) -> JobDefinitionOutputs:
        """Return name and ARN of all revisions; which revision it will be nobody knows.

        Batch counts on from revisions that were deregistered (AWS Batch API Reference,
        RegisterJobDefinition).
        """
        arn = deployed.aws.arn("batch", f"job-definition/{self.physical_name}")
        return dataclasses.replace(deployed[self], id=self.physical_name, name_arn=arn)

    def _resource_requirements(self) -> list[dict[str, str]]:
        return [
            {"type": "MEMORY", "value": str(self.memory_mib)},
            {"type": "VCPU", "value": str(self.vcpus)},
        ]

    def _environment(self, deployed: Deployed) -> list[dict[str, str]]:
        """Return the variables by name, the region first of all, without those that are empty.

        Batch drops empty ones. A container on EC2 gets its region from recent ECS agents alone
        (from 1.104.0 on), and by none that finds one of the two variables set. boto3 reads
        AWS_DEFAULT_REGION, most other SDKs read AWS_REGION.
        """
        region = dict.fromkeys(REGION_VARIABLES, deployed.aws.region)
        given = {name: resolve(value, deployed) for name, value in self.environment.items()}
        values = {**region, **given}
        return [{"name": name, "value": value} for name, value in sorted(values.items()) if value]

    def _log_configuration(self, deployed: Deployed) -> dict[str, Any]:
        options = Document(
            {
                "awslogs-group": deployed[self.log_group].id,
                "awslogs-region": deployed.aws.region,
                "awslogs-stream-prefix": self.physical_name,
            }
        )
        return {"logDriver": "awslogs", "options": options}

    @classmethod
    def read(
        cls, aws: Aws, recorded: JobDefinitionOutputs | None, desired: Properties
    ) -> Actual[JobDefinitionOutputs] | None:
        """Find the latest ACTIVE revision of the name; None when there is none."""
        name = recorded.id if recorded else str(desired["jobDefinitionName"])
        latest = max(_active(aws, name), key=lambda each: int(each["revision"]), default=None)
        if latest is None:
            return None
        tags = latest.get("tags", {})
        require_owned(aws, f"job definition `{name}`", tags)
        return Actual(_outputs(latest), _properties(latest), tags)

    def create(self, aws: Aws, desired: Properties) -> JobDefinitionOutputs:
        """Register a revision, of which Batch makes a new one even when nothing differs."""
        container = {**desired["containerProperties"]}
        for member in UNSET:
            del container[member]
        for member in ("command", "user"):  # without them they are the image's own
            if not container[member]:
                del container[member]
        parameters: Any = {**desired, "containerProperties": container}
        del parameters[RATIONED]
        return _outputs(aws.batch.register_job_definition(**parameters, tags=aws.tags))

    def update(
        self,
        aws: Aws,
        actual: Actual[JobDefinitionOutputs],
        desired: Properties,
        changed: Properties,
    ) -> JobDefinitionOutputs:
        """Register another revision, which new jobs take, and deregister what nobody needs."""
        del actual, changed
        outputs = self.create(aws, desired)
        _deregister_old(aws, outputs.id, self.keep)
        return outputs

    @classmethod
    def tags_of(cls, aws: Aws, recorded: JobDefinitionOutputs) -> Mapping[str, str] | None:
        """Return the tags of an ACTIVE revision, of one of ours if there is one; None for none."""
        found = [each.get("tags", {}) for each in _active(aws, recorded.id)]
        return next((tags for tags in found if is_owned(aws, tags)), found[0] if found else None)

    @classmethod
    def delete(cls, aws: Aws, recorded: JobDefinitionOutputs) -> None:
        """Deregister every ACTIVE revision of ours; AWS forgets INACTIVE ones after 180 days."""
        ours = [each for each in _active(aws, recorded.id) if is_owned(aws, each.get("tags", {}))]
        for revision in ours:
            with ignore_missing():
                aws.batch.deregister_job_definition(jobDefinition=revision["jobDefinitionArn"])


def _active(aws: Aws, name: str) -> Iterator[Mapping[str, Any]]:
    pages = aws.batch.get_paginator("describe_job_definitions")
    for page in pages.paginate(jobDefinitionName=name, status="ACTIVE"):
        yield from page["jobDefinitions"]


def _deregister_old(aws: Aws, name: str, keep: int) -> None:
    """Deregister revisions, but not the last `keep`, nor what unfinished jobs were made from."""
    newest_first = sorted(_active(aws, name), key=lambda each: -int(each["revision"]))
    old = [each["jobDefinitionArn"] for each in newest_first[keep:]]
    at_work = definitions_at_work(aws) if old else frozenset()
    for arn in old:
        if arn not in at_work:
            with ignore_missing():
                aws.batch.deregister_job_definition(jobDefinition=arn)


def images_in_use(aws: Aws) -> frozenset[str]:
    """Return the images of every ACTIVE job definition of the account."""
    pages = aws.batch.get_paginator("describe_job_definitions").paginate(status="ACTIVE")
    containers = (
        each.get("containerProperties", {}) for page in pages for each in page["jobDefinitions"]
    )
    return frozenset(container.get("image", "") for container in containers)


def _outputs(revision: Mapping[str, Any]) -> JobDefinitionOutputs:
    arn = revision["jobDefinitionArn"]
    return JobDefinitionOutputs(
        id=revision["jobDefinitionName"], arn=arn, name_arn=arn.rpartition(":")[0]
    )


def _properties(revision: Mapping[str, Any]) -> Properties:
    """Return a revision in our spelling: its lists in our order, its actions in capitals."""
    container = dict(revision.get("containerProperties", {}))
    for member, key in (("environment", "name"), ("resourceRequirements", "type")):
        container[member] = sorted(container.get(member, []), key=lambda each: str(each[key]))
    container["linuxParameters"] = _without_empty(container.get("linuxParameters"))
    for member, value in UNSET.items():
        container[member] = container.get(member) or value
    container.setdefault("command", [])
    container.setdefault("user", "")
    retry = dict(revision.get("retryStrategy", {}))
    retry["evaluateOnExit"] = [
        {**each, "action": each["action"].upper()} for each in retry.get("evaluateOnExit", [])
    ]
    return {
        **revision,
        # Batch leaves out what is off.
        "propagateTags": revision.get("propagateTags", False),
        "containerProperties": container,
        "retryStrategy": retry,
        RATIONED: _without_empty(revision.get(RATIONED)),
    }


def _without_empty(found: Mapping[str, Any] | None) -> Document:
    """Return the members that say something: Batch may name others."""
    return Document({key: value for key, value in (found or {}).items() if value})
