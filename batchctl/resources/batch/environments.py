"""Compute environments: the machines that Batch starts when there are jobs, and ends after them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from batchctl.aws.batched_reads import BatchedRead
from batchctl.aws.errors import NotReady, ignore_missing
from batchctl.aws.session import Aws
from batchctl.contract.architectures import architecture_of
from batchctl.resource import Actual, Deployed, Document, Group, Outputs, Properties, Resource
from batchctl.resource.grants import Grant
from batchctl.resources.batch.lifecycle import (
    SETTLED_WITHIN_S,
    USABLE_WITHIN_S,
    Description,
    only,
    read_settled,
    reason_of,
    wait_until_gone,
    wait_until_settled,
    wait_until_valid,
)
from batchctl.resources.batch.tags import Tagged
from batchctl.resources.ec2.launch_templates import LaunchTemplate
from batchctl.resources.ec2.network import Network
from batchctl.resources.ec2.security_groups import SecurityGroup
from batchctl.resources.iam.profiles import InstanceProfile, ServiceLinkedRole

# AWS Batch API Reference, ComputeResource: the strategies that are recommended, and the ones with
# which instances can be updated in place; with them SPOT needs no Spot fleet role.
STRATEGIES = {"SPOT": "SPOT_PRICE_CAPACITY_OPTIMIZED", "EC2": "BEST_FIT_PROGRESSIVE"}
# Batch creates an environment whose roles IAM doesn't show yet, and then calls it INVALID, for
# good. Parts of its reasons, in lower case (AWS Batch User Guide, "Troubleshooting").
# The last is of an account's first cluster: ECS makes its role while it refuses.
UNSEEN_ROLE = (
    "instanceprofile",
    "instance profile",
    "sts:assumerole",
    "unable to assume the service linked role",
)
IAM_SHOWS_WITHIN_S = 180.0
ARCHITECTURE = "architecture"
# AWS Batch User Guide, "Perform infrastructure updates": what changes the number of instances
# alone; and "Manage AMI versions": an image is kept unless an update that replaces the instances
# asks for the newest.
# How others get onto the instances, and what these run: no key pair, Batch's own image. Empty is
# what removes one (AWS Batch API Reference, ComputeResourceUpdate), and nothing to create with.
UNSET: Mapping[str, str] = {"ec2KeyPair": "", "imageId": ""}
SCALING = frozenset({"minvCpus", "maxvCpus"})
NEWEST_IMAGE = {"updateToLatestImageVersion": True}


ENVIRONMENTS = ("compute-environment/{stack}-*",)


@dataclass(frozen=True, kw_only=True)
class ComputeEnvironment(Tagged, Resource[Outputs]):
    """A managed environment of instances, bought as `model`: "SPOT" or "EC2" (on demand).

    Those of one job queue have to have one architecture (AWS Batch User Guide, "Job queues"), and
    could change it in place only one after the other. So another architecture is another
    environment: the queue moves from all of the old ones to all of the new ones in one call.

    Its instances are named and tagged, so that the bill shows what they cost. An INVALID or
    DISABLED one is a difference, and an update repairs it. How many vCPUs it currently has is
    up to Batch.
    """

    model: str
    network: Network
    security_group: SecurityGroup
    instance_profile: InstanceProfile
    launch_template: LaunchTemplate
    service_linked_role: ServiceLinkedRole
    instance_types: tuple[str, ...]
    min_vcpus: int
    max_vcpus: int

    kind: ClassVar[str] = "compute_environment"
    group: ClassVar[Group | None] = Group.COMPUTE
    cost: ClassVar[str] = "costs nothing but its instances, which end with the jobs"
    identity: ClassVar[tuple[str, ...]] = ("computeEnvironmentName",)
    vital: ClassVar[tuple[str, ...]] = ("state", "status")
    # An environment can't move between the service-linked role and another one (AWS Batch API
    # Reference, UpdateComputeEnvironment).
    immutable: ClassVar[tuple[str, ...]] = ("type", "serviceRole", ARCHITECTURE)
    disabled_ahead: ClassVar[bool] = True
    batched_reads: ClassVar[tuple[BatchedRead, ...]] = (
        BatchedRead(
            "batch.DescribeComputeEnvironments",
            "computeEnvironments",
            "computeEnvironments",
            "computeEnvironmentName",
        ),
    )
    grants: ClassVar[tuple[Grant, ...]] = (
        Grant("read up down", "batch", "DescribeComputeEnvironments"),
        Grant("up", "batch", "CreateComputeEnvironment TagResource UntagResource", ENVIRONMENTS),
        Grant(
            "up down", "batch", "UpdateComputeEnvironment DeleteComputeEnvironment", ENVIRONMENTS
        ),
    )

    def desired(self, deployed: Deployed) -> Properties:
        """Return the parameters of CreateComputeEnvironment, and what should follow from them.

        That is the status, and the architecture of the instance types.
        """
        return {
            "computeEnvironmentName": self.physical_name,
            "type": "MANAGED",
            "state": "ENABLED",
            "status": "VALID",
            ARCHITECTURE: _architecture(self.instance_types),
            "serviceRole": deployed[self.service_linked_role].arn,
            "computeResources": self._compute_resources(deployed),
        }

    def _compute_resources(self, deployed: Deployed) -> dict[str, Any]:
        return {
            "type": self.model,
            "allocationStrategy": STRATEGIES[self.model],
            "minvCpus": self.min_vcpus,
            "maxvCpus": self.max_vcpus,
            "instanceTypes": sorted(self.instance_types),
            "instanceRole": deployed[self.instance_profile].arn,
            # By the number of its version: another number replaces the instances.
            "launchTemplate": {
                "launchTemplateId": deployed[self.launch_template].id,
                "version": deployed[self.launch_template].version,
            },
            "subnets": sorted(deployed[self.network].compute_subnet_ids),
            "securityGroupIds": [deployed[self.security_group].id],
            # Said, as Batch's own choice changes with the years; for both architectures.
            "ec2Configuration": [{"imageType": "ECS_AL2023"}],
            "tags": Document({**deployed.aws.instance_tags, "Name": self.physical_name}),
            **UNSET,
        }

    @classmethod
    def read(
        cls, aws: Aws, recorded: Outputs | None, desired: Properties
    ) -> Actual[Outputs] | None:
        """Find the environment by name, once Batch is not changing it; None when there is none."""
        name = recorded.id if recorded else str(desired["computeEnvironmentName"])
        settled = read_settled(aws, _what(name), partial(_describe, aws, name))
        if settled is None:
            return None
        found, tags, notes = settled
        return Actual(_outputs(found), _properties(found), tags, notes)

    def create(self, aws: Aws, desired: Properties) -> Outputs:
        """Make the environment and wait until it is VALID, about 40 s."""
        parameters = {k: desired[k] for k in desired if k not in {"status", ARCHITECTURE}}
        parameters["computeResources"] = _given(desired)
        aws.batch.create_compute_environment(**parameters, tags=aws.tags)
        return _wait_until_valid(aws, desired, within_s=USABLE_WITHIN_S)

    def update(
        self,
        aws: Aws,
        actual: Actual[Outputs],
        desired: Properties,
        changed: Properties,
    ) -> Outputs:
        """Change what differs; Batch replaces the instances where that is more than their number.

        Only the differing members of computeResources are sent: Batch takes an empty list as a
        removal, and must not replace instances for nothing. Instances that it replaces get its
        newest image: it never takes one by itself.
        """
        parameters: dict[str, Any] = {"computeEnvironment": actual.outputs.arn}
        if "state" in changed:
            parameters["state"] = changed["state"]
        if "status" in changed:
            parameters["computeResources"] = {
                **_given(desired),
                **_differing(desired["computeResources"], actual.properties["computeResources"]),
                **NEWEST_IMAGE,
            }
        elif "computeResources" in changed:
            parameters["computeResources"] = _differing(
                desired["computeResources"], actual.properties["computeResources"]
            )
        aws.batch.update_compute_environment(**parameters)
        return _wait_until_valid(aws, desired, within_s=SETTLED_WITHIN_S)

    @classmethod
    def replicas(cls, aws: Aws, names: Collection[str]) -> Iterator[tuple[str, Outputs]]:
        """Yield what has a name that begins with one of `names`."""
        del names
        pages = aws.batch.get_paginator("describe_compute_environments").paginate()
        for found in (each for page in pages for each in page["computeEnvironments"]):
            yield found["computeEnvironmentName"], _outputs(found)

    @classmethod
    def tags_of(cls, aws: Aws, recorded: Outputs) -> Mapping[str, str] | None:
        """Return the tags that it has now; None when it is gone."""
        found = _describe(aws, recorded.id)
        return None if found is None else found.get("tags", {})

    @classmethod
    def disable(cls, aws: Aws, recorded: Outputs) -> None:
        """Keep it from starting instances, while its queue is still there.

        Jobs that run go on (AWS Batch API Reference, UpdateComputeEnvironment, `state`).
        """
        aws.batch.update_compute_environment(computeEnvironment=recorded.arn, state="DISABLED")

    @classmethod
    def delete(cls, aws: Aws, recorded: Outputs) -> None:
        """Disable the environment, delete it and wait until its instances are gone, for minutes."""
        what, describe = _what(recorded.id), partial(_describe, aws, recorded.arn)
        with ignore_missing():
            found = wait_until_settled(aws, what, describe)
            if found is None:
                return
            if found["state"] != "DISABLED":
                cls.disable(aws, recorded)
                wait_until_settled(aws, what, describe)
            aws.batch.delete_compute_environment(computeEnvironment=recorded.arn)
            wait_until_gone(aws, what, describe)


def _describe(aws: Aws, name: str) -> Description | None:
    answer = aws.batch.describe_compute_environments(computeEnvironments=[name])
    return only(answer["computeEnvironments"])


def _what(name: str) -> str:
    return f"compute environment `{name}`"


def _outputs(found: Description) -> Outputs:
    return Outputs(id=found["computeEnvironmentName"], arn=found["computeEnvironmentArn"])


def _properties(found: Description) -> Properties:
    """Return a description with its lists in our order and its image types without AWS's extras."""
    resources = {**UNSET, **found.get("computeResources", {})}
    for unordered in ("instanceTypes", "subnets", "securityGroupIds"):
        resources[unordered] = sorted(resources.get(unordered, []))
    resources["ec2Configuration"] = [
        {"imageType": each["imageType"]} for each in resources.get("ec2Configuration", [])
    ]
    resources["tags"] = Document(resources.get("tags", {}))
    architecture = _architecture(resources["instanceTypes"])
    return {**found, ARCHITECTURE: architecture, "computeResources": resources}


def _given(desired: Properties) -> Any:
    """Return the members of computeResources that say something."""
    resources: Properties = desired["computeResources"]
    return {key: value for key, value in resources.items() if value or key not in UNSET}


def _differing(desired: Properties, actual: Properties) -> dict[str, Any]:
    """Return the members that differ, and maxvCpus: Batch wants one member at least that scales.

    With the newest image where they replace the instances anyway.
    """
    changed = {key: value for key, value in desired.items() if actual.get(key) != value}
    image = NEWEST_IMAGE if changed.keys() - SCALING else {}
    return {"maxvCpus": desired["maxvCpus"], **changed, **image}


def _architecture(instance_types: Sequence[str]) -> str:
    """Return the one architecture of instance types; of those that others mixed, all of them."""
    return ", ".join(sorted({architecture_of(each) for each in instance_types}))


def _wait_until_valid(aws: Aws, desired: Properties, *, within_s: float) -> Outputs:
    name = str(desired["computeEnvironmentName"])
    found = wait_until_valid(
        aws, _what(name), partial(_describe, aws, name), _repair(aws, desired), within_s=within_s
    )
    return _outputs(found)


def _repair(aws: Aws, desired: Properties) -> Callable[[Description], None]:
    """Return what retries an INVALID environment while its reason can be IAM's delay.

    An update with the same parameters makes Batch check again (AWS Batch User Guide, "INVALID
    compute environment"). Raises NotReady for every other reason, or when the time is over.
    """
    deadline = aws.clock.now() + IAM_SHOWS_WITHIN_S

    def repair(found: Description) -> None:
        reason = reason_of(found)
        unseen = any(text in reason.lower() for text in UNSEEN_ROLE)
        if not unseen or aws.clock.now() >= deadline:
            raise NotReady(
                f"could not use {_what(found['computeEnvironmentName'])}: it is INVALID: {reason}",
                hint="fix what the reason says, then run the command again",
            )
        aws.on_wait("IAM to show the new roles to AWS Batch")
        aws.batch.update_compute_environment(
            computeEnvironment=found["computeEnvironmentArn"],
            computeResources=_given(desired),
        )

    return repair
