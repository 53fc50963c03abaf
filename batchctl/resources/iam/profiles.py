"""IAM: roles with what they allow, instance profiles, service-linked roles."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from batchctl.aws.concurrently import concurrently
from batchctl.aws.errors import ignore_missing, is_existing, message_of
from batchctl.aws.session import Aws
from batchctl.aws.tags import STACK_TAG, as_dict
from batchctl.resource import Actual, Deployed, Group, Outputs, Properties, Resource, require_owned
from batchctl.resource.grants import Grant
from batchctl.resources.iam.roles import (
    ACCOUNT,
    PROFILES,
    PROPAGATION_S,
    Allow,
    ArnOf,
    InAccount,
    Role,
    When,
    remove_from_profile,
    settled,
    tag_list,
)

__all__ = [
    "ACCOUNT",
    "STACK_TAG",
    "Allow",
    "ArnOf",
    "InAccount",
    "InstanceProfile",
    "Role",
    "ServiceLinkedRole",
    "When",
]


BATCHS_OWN = ("role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch",)


@dataclass(frozen=True)
class InstanceProfileOutputs(Outputs):
    """`role` is the name of the role inside; empty in a state from before it was recorded."""

    role: str = ""


@dataclass(frozen=True, kw_only=True)
class InstanceProfile(Resource[InstanceProfileOutputs]):
    """The profile through which EC2 instances get a role: it holds exactly one. The id is its name.

    EC2 sees a new profile only after a while, so `create` waits until IAM answers with it several
    times in a row.
    """

    role: Role
    path: str = "/"

    kind: ClassVar[str] = "instance_profile"
    group: ClassVar[Group | None] = Group.COMPUTE
    outputs: ClassVar[type[InstanceProfileOutputs]] = InstanceProfileOutputs
    identity: ClassVar[tuple[str, ...]] = ("InstanceProfileName",)
    immutable: ClassVar[tuple[str, ...]] = ("Path",)
    grants: ClassVar[tuple[Grant, ...]] = (
        Grant("read up down", "iam", "GetInstanceProfile", PROFILES),
        Grant("read up", "iam", "ListInstanceProfiles"),
        Grant(
            "up",
            "iam",
            "CreateInstanceProfile AddRoleToInstanceProfile TagInstanceProfile "
            "UntagInstanceProfile",
            PROFILES,
        ),
        Grant("up down", "iam", "RemoveRoleFromInstanceProfile DeleteInstanceProfile", PROFILES),
    )

    def desired(self, deployed: Deployed) -> Properties:
        """Return InstanceProfileName and Roles, the names of the roles inside."""
        return {
            "InstanceProfileName": self.physical_name,
            "Path": self.path,
            "Roles": [deployed[self.role].id],
        }

    @classmethod
    def read(
        cls, aws: Aws, recorded: InstanceProfileOutputs | None, desired: Properties
    ) -> Actual[InstanceProfileOutputs] | None:
        """Find the profile by name; None when there is none."""
        name = recorded.id if recorded else str(desired["InstanceProfileName"])
        with ignore_missing():
            profile = _settled_profile(aws, name)
            tags = as_dict(profile.get("Tags"))
            require_owned(aws, f"instance profile `{name}`", tags)
            properties = {
                "InstanceProfileName": name,
                "Path": profile.get("Path", "/"),
                "Roles": _roles_in(profile),
            }
            return Actual(_outputs(name, profile["Arn"], properties["Roles"]), properties, tags)
        return None

    def create(self, aws: Aws, desired: Properties) -> InstanceProfileOutputs:
        """Make the profile, put the role in, wait until both are seen."""
        name = desired["InstanceProfileName"]
        answer = aws.iam.create_instance_profile(
            InstanceProfileName=name, Path=desired["Path"], Tags=tag_list(aws.tags)
        )
        _put_roles(aws, name, desired["Roles"])
        return _outputs(name, answer["InstanceProfile"]["Arn"], desired["Roles"])

    def update(
        self,
        aws: Aws,
        actual: Actual[InstanceProfileOutputs],
        desired: Properties,
        changed: Properties,
    ) -> InstanceProfileOutputs:
        """Replace the role that is there."""
        del desired
        name = actual.outputs.id
        for role in actual.properties["Roles"]:
            remove_from_profile(aws, name, role)
        _put_roles(aws, name, changed["Roles"])
        return _outputs(name, actual.outputs.arn, changed["Roles"])

    def write_tags(
        self,
        aws: Aws,
        outputs: InstanceProfileOutputs,
        tags: Mapping[str, str],
        removed: Sequence[str],
    ) -> None:
        """Set and remove tags."""
        aws.iam.tag_instance_profile(InstanceProfileName=outputs.id, Tags=tag_list(tags))
        if removed:
            aws.iam.untag_instance_profile(InstanceProfileName=outputs.id, TagKeys=removed)

    @classmethod
    def replicas(
        cls, aws: Aws, names: Collection[str]
    ) -> Iterator[tuple[str, InstanceProfileOutputs]]:
        """Yield every instance profile of the account, in pages of a thousand."""
        del names
        pages = aws.iam.get_paginator("list_instance_profiles").paginate(
            PaginationConfig={"PageSize": 1000}
        )
        for found in (each for page in pages for each in page["InstanceProfiles"]):
            name = found["InstanceProfileName"]
            yield name, _outputs(name, found["Arn"], _roles_in(found))

    @classmethod
    def tags_of(cls, aws: Aws, recorded: InstanceProfileOutputs) -> Mapping[str, str] | None:
        """Return the tags that it has now; None when it is gone."""
        with ignore_missing():
            found = aws.iam.get_instance_profile(InstanceProfileName=recorded.id)
            return as_dict(found["InstanceProfile"].get("Tags"))
        return None

    @classmethod
    def delete(cls, aws: Aws, recorded: InstanceProfileOutputs) -> None:
        """Take the role out, then delete the profile; the role stays.

        One that another role was put into, against what is recorded, is asked for it.
        """
        if recorded.role:
            remove_from_profile(aws, recorded.id, recorded.role)
            with suppress(aws.iam.exceptions.DeleteConflictException), ignore_missing():
                aws.iam.delete_instance_profile(InstanceProfileName=recorded.id)
                return
        with ignore_missing():
            profile = aws.iam.get_instance_profile(InstanceProfileName=recorded.id)
            for role in _roles_in(profile["InstanceProfile"]):
                remove_from_profile(aws, recorded.id, role)
            aws.iam.delete_instance_profile(InstanceProfileName=recorded.id)


def _outputs(name: str, arn: str, roles: Sequence[str]) -> InstanceProfileOutputs:
    return InstanceProfileOutputs(id=name, arn=arn, role=next(iter(roles), ""))


@dataclass(frozen=True, kw_only=True)
class ServiceLinkedRole(Resource[Outputs]):
    """The role through which a service itself acts in the account: one for all stacks, kept.

    Found by its path and its ARN read back, as services spell the name in their own way.
    """

    service: str

    kind: ClassVar[str] = "service_linked_role"
    group: ClassVar[Group | None] = Group.COMPUTE
    identity: ClassVar[tuple[str, ...]] = ("AWSServiceName",)
    taggable: ClassVar[bool] = False
    shared: ClassVar[bool] = True
    grants: ClassVar[tuple[Grant, ...]] = (
        Grant("read up", "iam", "ListRoles"),
        Grant(
            "up",
            "iam",
            "CreateServiceLinkedRole",
            BATCHS_OWN,
            {"StringEquals": {"iam:AWSServiceName": ("batch.amazonaws.com",)}},
        ),
        # It is named when compute environments are made.
        Grant(
            "up",
            "iam",
            "PassRole",
            BATCHS_OWN,
            {"StringEquals": {"iam:PassedToService": ("batch.amazonaws.com",)}},
        ),
    )

    def desired(self, deployed: Deployed) -> Properties:
        """Return AWSServiceName."""
        return {"AWSServiceName": deployed.aws.partition.service_principal(self.service)}

    @classmethod
    def read(
        cls, aws: Aws, recorded: Outputs | None, desired: Properties
    ) -> Actual[Outputs] | None:
        """Find the role by the path that is the service's; None when there is none."""
        del recorded
        service = str(desired["AWSServiceName"])
        found = _service_linked_role(aws, service)
        return None if found is None else Actual(found, {"AWSServiceName": service})

    def create(self, aws: Aws, desired: Properties) -> Outputs:
        """Make the role; that another run or the service itself was faster is fine."""
        service = desired["AWSServiceName"]
        try:
            aws.iam.create_service_linked_role(AWSServiceName=service)
        except ClientError as error:
            if not is_existing(error) and "has been taken" not in message_of(error):
                raise
        return aws.wait_until(
            f"IAM to show the service-linked role of `{service}`",
            lambda: _service_linked_role(aws, service),
            timeout_s=PROPAGATION_S,
        )

    def update(
        self, aws: Aws, actual: Actual[Outputs], desired: Properties, changed: Properties
    ) -> Outputs:
        """Return it as it is: there is nothing in it that is ours to change."""
        del aws, desired, changed
        return actual.outputs

    @classmethod
    def delete(cls, aws: Aws, recorded: Outputs) -> None:
        """Leave it: other stacks need it (IAM user guide, "Service-linked roles")."""


def _settled_profile(aws: Aws, name: str) -> Mapping[str, Any]:
    return settled(
        aws,
        f"instance profile `{name}`",
        lambda: aws.iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"],
    )


def _put_roles(aws: Aws, profile: str, roles: Sequence[str]) -> None:
    for role in roles:
        aws.iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=role)
    _wait_until_seen(aws, profile, roles)


def _wait_until_seen(aws: Aws, profile: str, roles: Sequence[str]) -> None:
    read = partial(_holds, aws, profile, roles)

    # Terraform's provider trusts a new instance profile after three good answers. Asked for at the
    # same time they come from as many hosts of IAM as one after the other.
    def check() -> bool | None:
        return True if all(concurrently(read, read, read)) else None

    what = f"IAM to show instance profile `{profile}` with its role"
    aws.wait_until(what, check, timeout_s=PROPAGATION_S)


def _holds(aws: Aws, profile: str, roles: Sequence[str]) -> bool:
    with ignore_missing():
        answer = aws.iam.get_instance_profile(InstanceProfileName=profile)
        return _roles_in(answer["InstanceProfile"]) == list(roles)
    return False


def _roles_in(profile: Mapping[str, Any]) -> list[str]:
    return [str(role["RoleName"]) for role in profile["Roles"]]


def _service_linked_role(aws: Aws, service: str) -> Outputs | None:
    pages = aws.iam.get_paginator("list_roles").paginate(PathPrefix=f"/aws-service-role/{service}/")
    roles = (role for page in pages for role in page["Roles"])
    return next((Outputs(id=role["RoleName"], arn=role["Arn"]) for role in roles), None)
