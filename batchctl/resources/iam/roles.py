"""IAM roles: who may assume them, and what they allow."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from batchctl.aws.concurrently import concurrently
from batchctl.aws.errors import ignore_missing
from batchctl.aws.session import Aws
from batchctl.aws.tags import REGION_TAG, as_dict, as_list
from batchctl.aws.waiting import Pending
from batchctl.resource import (
    Actual,
    Deployed,
    Document,
    Output,
    Outputs,
    Properties,
    Resource,
    in_other_region,
    require_owned,
    resolve,
)
from batchctl.resource.grants import Condition, Grant
from batchctl.resources.iam import policies as iam_policies

POLICY_NAME = "batchctl"
# IAM user guide, "Changes that I make are not always immediately visible", names no time; peers
# give it two minutes.
PROPAGATION_S = 120
# What a service says of whom it acts for when it assumes a role, where its guide says so. Lambda
# developer guide, "Working with AWS managed policies in the execution role"; Amazon ECS developer
# guide, "Amazon ECS task IAM role", which names the form of the ARN. EC2 says nothing of the kind.
SAYS_ACCOUNT = frozenset({"lambda", "ecs-tasks"})
SAYS_ARN = {"ecs-tasks": "ecs"}
# In `Role.trusts`: every principal of this account that has a policy of its own to assume it (IAM
# user guide, "AWS JSON policy elements: Principal", "AWS account principals").
ACCOUNT = "account"


ROLES = ("role{path}{stack}-*",)
PROFILES = ("instance-profile{path}{stack}-*",)
BY_AWS: Condition = {"ArnLike": {"iam:PolicyARN": ("arn:*:iam::aws:policy/*",)}}
PASSED_TO_THEIRS: Condition = {
    "StringEquals": {
        "iam:PassedToService": (
            "batch.amazonaws.com",
            "{ec2}",
            "ecs-tasks.amazonaws.com",
            "lambda.amazonaws.com",
        )
    }
}


@dataclass(frozen=True)
class InAccount:
    """Things of the account and region that are nobody's resource here: `job/*` of `batch`."""

    service: str
    resource: str


@dataclass(frozen=True)
class ArnOf:
    """A resource that is named elsewhere: its ARN without the partition, which is the stack's."""

    rest: str


@dataclass(frozen=True)
class When:
    """A condition: `key` compares with one of `values` by `operator` (IAM's names for both)."""

    operator: str
    key: str
    values: tuple[InAccount | str, ...]


@dataclass(frozen=True)
class Allow:
    """One statement: `actions` on the ARNs of `on`, each with `suffix`, if all of `when` is true.

    A text in `on` is taken as it is: "*" for actions that know no resources.
    """

    sid: str
    actions: tuple[str, ...]
    on: tuple[Resource[Any] | Output | InAccount | ArnOf | str, ...]
    suffix: str = ""
    when: tuple[When, ...] = ()

    def statement(self, deployed: Deployed) -> dict[str, Any]:
        """Return the policy statement."""
        return {
            "Sid": self.sid,
            "Effect": "Allow",
            "Action": list(self.actions),
            "Resource": [self._arn(each, deployed) for each in self.on],
            **_condition(self.when, deployed),
        }

    def _arn(self, on: Resource[Any] | Output | InAccount | ArnOf | str, deployed: Deployed) -> str:
        if isinstance(on, str | InAccount):
            return _text(on, deployed)
        if isinstance(on, ArnOf):
            return f"arn:{deployed.aws.partition.id}:{on.rest}"
        arn = deployed[on].arn if isinstance(on, Resource) else resolve(on, deployed)
        return f"{arn}{self.suffix}"


def _condition(when: Sequence[When], deployed: Deployed) -> dict[str, Any]:
    found: dict[str, dict[str, list[str]]] = {}
    for each in when:
        values = [_text(value, deployed) for value in each.values]
        found.setdefault(each.operator, {})[each.key] = values
    return {"Condition": found} if found else {}


def _text(value: InAccount | str, deployed: Deployed) -> str:
    """Return a text as it is, and what is in the account by its ARN."""
    if isinstance(value, str):
        return value
    return deployed.aws.arn(value.service, value.resource)


@dataclass(frozen=True, kw_only=True)
class Role(Resource[Outputs]):
    """A role that one service, or the ACCOUNT, may assume, with exactly these policies.

    The id is its name.

    Policies that other hands added are a difference. Names of roles are per account, not per
    region. A role is never deleted to be made again: what knows it by its unique id (a key grant)
    would not know the new one (IAM user guide, "IAM identifiers").
    """

    trusts: str
    allows: tuple[Allow, ...] = ()
    managed_policies: tuple[str, ...] = ()
    permissions_boundary: str | None = None
    path: str = "/"

    kind: ClassVar[str] = "role"
    identity: ClassVar[tuple[str, ...]] = ("RoleName",)
    immutable: ClassVar[tuple[str, ...]] = ("Path",)
    calls_to_read: ClassVar[int] = 4
    # By their ARNs, in its policies.
    only_names: ClassVar[frozenset[str]] = frozenset(
        {"table", "queue", "job_queue", "job_definition", "log_group", "rest_api"}
    )
    grants: ClassVar[tuple[Grant, ...]] = (
        Grant("read up down", "iam", "GetRole ListRolePolicies ListAttachedRolePolicies", ROLES),
        Grant("read up", "iam", "GetRolePolicy", ROLES),
        Grant("read up", "iam", "ListRoles"),
        Grant(
            "up", "iam", "CreateRole PutRolePolicy UpdateAssumeRolePolicy TagRole UntagRole", ROLES
        ),
        Grant("up", "iam", "AttachRolePolicy", ROLES, BY_AWS, when="managed_policies"),
        Grant("up", "iam", "PutRolePermissionsBoundary", ROLES, when="permissions_boundary"),
        Grant("up", "iam", "DeleteRolePermissionsBoundary", ROLES),
        Grant("up", "iam", "PassRole", ROLES, PASSED_TO_THEIRS),
        Grant(
            "up down",
            "iam",
            "DeleteRole DeleteRolePolicy DetachRolePolicy ListInstanceProfilesForRole",
            ROLES,
        ),
        Grant("up down", "iam", "RemoveRoleFromInstanceProfile", PROFILES),
    )

    def desired(self, deployed: Deployed) -> Properties:
        """Return RoleName, the trust policy, Policies (inline, by name) and ManagedPolicies."""
        partition = deployed.aws.partition
        return {
            "RoleName": self.physical_name,
            "Path": self.path,
            "PermissionsBoundary": self.permissions_boundary,
            "AssumeRolePolicyDocument": Document(self._trust_policy(deployed)),
            "Policies": Document(self._inline_policies(deployed)),
            "ManagedPolicies": sorted(map(partition.managed_policy, self.managed_policies)),
        }

    def _trust_policy(self, deployed: Deployed) -> dict[str, Any]:
        aws = deployed.aws
        principal = (
            {"AWS": aws.arn("iam", "root", is_global=True)}
            if self.trusts == ACCOUNT
            else {"Service": aws.partition.service_principal(self.trusts)}
        )
        statement = {
            "Effect": "Allow",
            "Principal": principal,
            "Action": "sts:AssumeRole",
            **_condition(self._trusted_when(aws.account), deployed),
        }
        return iam_policies.document([statement])

    def _trusted_when(self, account: str) -> tuple[When, ...]:
        """Keep a service from using it for another account (IAM user guide, "confused deputy")."""
        found: tuple[When, ...] = ()
        if self.trusts in SAYS_ACCOUNT:
            found = (When("StringEquals", "aws:SourceAccount", (account,)),)
        if self.trusts in SAYS_ARN:
            source = InAccount(SAYS_ARN[self.trusts], "*")
            found = (*found, When("ArnLike", "aws:SourceArn", (source,)))
        return found

    def _inline_policies(self, deployed: Deployed) -> dict[str, Any]:
        if not self.allows:
            return {}
        statements = [allow.statement(deployed) for allow in self.allows]
        return {POLICY_NAME: iam_policies.document(statements)}

    @classmethod
    def read(
        cls, aws: Aws, recorded: Outputs | None, desired: Properties
    ) -> Actual[Outputs] | None:
        """Find the role by name, with every policy that it has; None when there is none."""
        name = recorded.id if recorded else str(desired["RoleName"])
        with ignore_missing():
            role, inline, managed = _read(aws, name, is_likely=recorded is not None)
            tags = as_dict(role.get("Tags"))
            require_owned(aws, f"role `{name}`", tags)
            trust = iam_policies.canonical(role["AssumeRolePolicyDocument"])
            if recorded is None and REGION_TAG not in tags:
                _require_this_region(aws, name, inline)
            return Actual(
                Outputs(id=name, arn=role["Arn"]),
                {
                    "RoleName": name,
                    "Path": role.get("Path", "/"),
                    "PermissionsBoundary": _boundary(role),
                    "AssumeRolePolicyDocument": Document(trust),
                    "Policies": Document(inline),
                    "ManagedPolicies": managed,
                },
                tags,
            )
        return None

    def create(self, aws: Aws, desired: Properties) -> Outputs:
        """Make the role, then give it its policies; it takes IAM a while to show it everywhere."""
        name = desired["RoleName"]
        boundary: Any = (
            {"PermissionsBoundary": desired["PermissionsBoundary"]}
            if desired["PermissionsBoundary"]
            else {}
        )
        answer = aws.iam.create_role(
            RoleName=name,
            Path=desired["Path"],
            **boundary,
            AssumeRolePolicyDocument=json.dumps(desired["AssumeRolePolicyDocument"]),
            Tags=tag_list(aws.tags),
        )
        iam_policies.write_inline_policies(aws, name, desired["Policies"], {})
        iam_policies.write_managed_policies(aws, name, desired["ManagedPolicies"], [])
        return Outputs(id=name, arn=answer["Role"]["Arn"])

    def update(
        self, aws: Aws, actual: Actual[Outputs], desired: Properties, changed: Properties
    ) -> Outputs:
        """Write the documents that differ, attach and detach what is missing and too much."""
        del desired
        name, has = actual.outputs.id, actual.properties
        if "PermissionsBoundary" in changed:
            _set_boundary(aws, name, changed["PermissionsBoundary"])
        if "AssumeRolePolicyDocument" in changed:
            aws.iam.update_assume_role_policy(
                RoleName=name, PolicyDocument=json.dumps(changed["AssumeRolePolicyDocument"])
            )
        if "Policies" in changed:
            iam_policies.write_inline_policies(aws, name, changed["Policies"], has["Policies"])
        if "ManagedPolicies" in changed:
            iam_policies.write_managed_policies(
                aws, name, changed["ManagedPolicies"], has["ManagedPolicies"]
            )
        return actual.outputs

    def loosened(self, actual: Properties, desired: Properties) -> Iterator[str]:
        """Say that its permissions boundary goes, or becomes another, and what others attached."""
        had, wanted = actual["PermissionsBoundary"], desired["PermissionsBoundary"]
        if had and had != wanted:
            new = f"becomes `{wanted}`" if wanted else "is removed"
            yield f"the permissions boundary `{had}` of role `{self.name}` {new}"
        for key in ("ManagedPolicies", "Policies"):
            for policy in sorted(set(actual[key]) - set(desired[key])):
                yield (
                    f"policy `{policy}`, which others gave role `{self.name}` and which might "
                    "refuse something, is taken away"
                )

    def write_tags(
        self, aws: Aws, outputs: Outputs, tags: Mapping[str, str], removed: Sequence[str]
    ) -> None:
        """Set and remove tags."""
        aws.iam.tag_role(RoleName=outputs.id, Tags=tag_list(tags))
        if removed:
            aws.iam.untag_role(RoleName=outputs.id, TagKeys=removed)

    @classmethod
    def replicas(cls, aws: Aws, names: Collection[str]) -> Iterator[tuple[str, Outputs]]:
        """Yield every role of the account, in pages of a thousand."""
        del names
        pages = aws.iam.get_paginator("list_roles").paginate(PaginationConfig={"PageSize": 1000})
        for role in (role for page in pages for role in page["Roles"]):
            yield role["RoleName"], Outputs(id=role["RoleName"], arn=role["Arn"])

    @classmethod
    def tags_of(cls, aws: Aws, recorded: Outputs) -> Mapping[str, str] | None:
        """Return the tags that it has now; None when it is gone."""
        with ignore_missing():
            return as_dict(aws.iam.get_role(RoleName=recorded.id)["Role"].get("Tags"))
        return None

    @classmethod
    def delete(cls, aws: Aws, recorded: Outputs) -> None:
        """Strip the role of all that DeleteRole refuses (IAM API reference), then delete it."""
        name = recorded.id
        with ignore_missing():
            inline, managed, profiles, _ = concurrently(
                partial(iam_policies.inline_policy_names, aws, name),
                partial(iam_policies.managed_policies, aws, name),
                partial(_profiles_with, aws, name),
                # What every role of ours has; the others are known only now.
                partial(iam_policies.delete_inline_policy, aws, name, POLICY_NAME),
            )
            for policy in sorted({*inline} - {POLICY_NAME}):
                iam_policies.delete_inline_policy(aws, name, policy)
            for arn in managed:
                iam_policies.detach_managed_policy(aws, name, arn)
            for profile in profiles:
                remove_from_profile(aws, profile, name)
            aws.iam.delete_role(RoleName=name)


def _boundary(role: Mapping[str, Any]) -> str | None:
    """Return the ARN of a role's permissions boundary; None when it has none."""
    boundary: Mapping[str, str] = role.get("PermissionsBoundary", {})
    return boundary.get("PermissionsBoundaryArn")


def _set_boundary(aws: Aws, name: str, arn: str | None) -> None:
    if arn is None:
        aws.iam.delete_role_permissions_boundary(RoleName=name)
    else:
        aws.iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=arn)


def _require_this_region(aws: Aws, name: str, policies: Mapping[str, Any]) -> None:
    """Raise NotOwned for a role whose mark is of before it had a region, and which is elsewhere.

    What it allows says where: the ARNs of its policies.
    """
    for region in sorted(iam_policies.regions_in(policies) - {aws.region}):
        raise in_other_region(aws, f"role `{name}`", region)


def settled(aws: Aws, what: str, get: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return what `get` answers once its ARN is one: a new role's can be its unique id at first.

    Seen by Terraform's provider; the ARN is what Lambda and EC2 are given.
    """

    def check() -> tuple[Mapping[str, Any]] | Pending:
        answer = get()
        arn = str(answer["Arn"])
        return (answer,) if arn.startswith("arn:") else Pending(arn)

    return aws.wait_until(f"IAM to show the ARN of {what}", check, timeout_s=PROPAGATION_S)[0]


def _read(
    aws: Aws, name: str, *, is_likely: bool
) -> tuple[Mapping[str, Any], dict[str, Any], list[str]]:
    """Return a role, its inline and its managed policies: all at once where it `is_likely` there.

    One that isn't there costs one call, and a first `up` finds nine such.
    """
    role, inline, managed = (
        partial(_settled_role, aws, name),
        partial(iam_policies.inline_policies, aws, name),
        partial(iam_policies.managed_policies, aws, name),
    )
    if is_likely:
        return concurrently(role, inline, managed)
    return role(), *concurrently(inline, managed)


def _settled_role(aws: Aws, name: str) -> Mapping[str, Any]:
    return settled(aws, f"role `{name}`", lambda: aws.iam.get_role(RoleName=name)["Role"])


def _profiles_with(aws: Aws, role: str) -> list[str]:
    pages = aws.iam.get_paginator("list_instance_profiles_for_role").paginate(RoleName=role)
    return [each["InstanceProfileName"] for page in pages for each in page["InstanceProfiles"]]


def remove_from_profile(aws: Aws, profile: str, role: str) -> None:
    """Take a role out of an instance profile; quiet when it is not in it."""
    with ignore_missing():
        aws.iam.remove_role_from_instance_profile(InstanceProfileName=profile, RoleName=role)


def tag_list(tags: Mapping[str, str]) -> Any:
    """Return tags as IAM takes them."""
    return as_list(tags)
