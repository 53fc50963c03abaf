"""What other hands can change of roles, instance profiles and security groups."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from built import Application
from hypothesis import strategies as st
from mutation import Mutation, other, tag


def role_mutations(address: str, service: str, *, inline: bool = True) -> Sequence[Mutation]:
    """Changes of a role's trust, policies and tags; `service` is the one that it trusts."""

    def trust(application: Application, role: Any, value: Any) -> None:
        principal = {"Service": f"{value}.amazonaws.com"}
        statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        application.client("iam").update_assume_role_policy(
            RoleName=role.id, PolicyDocument=_document(statement)
        )

    def policy(name: str) -> Callable[[Application, Any, Any], None]:
        def put(application: Application, role: Any, value: Any) -> None:
            statement = {"Effect": "Allow", "Action": value, "Resource": "*"}
            application.client("iam").put_role_policy(
                RoleName=role.id, PolicyName=name, PolicyDocument=_document(statement)
            )

        return put

    def attach(application: Application, role: Any, value: Any) -> None:
        iam = application.client("iam")
        statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
        with suppress(iam.exceptions.EntityAlreadyExistsException):
            iam.create_policy(PolicyName=value, PolicyDocument=_document(statement))
        arn = f"arn:aws:iam::123456789012:policy/{value}"
        iam.attach_role_policy(RoleName=role.id, PolicyArn=arn)

    def bound(application: Application, role: Any, value: Any) -> None:
        application.client("iam").put_role_permissions_boundary(
            RoleName=role.id, PermissionsBoundary=f"arn:aws:iam::aws:policy/{value}"
        )

    def write_tags(application: Application, role: Any, tags: Mapping[str, str]) -> None:
        application.client("iam").tag_role(
            RoleName=role.id, Tags=[{"Key": k, "Value": v} for k, v in tags.items()]
        )

    actions = other("s3:GetObject", ["s3:*", "sqs:*"], "*")
    services = other(*({"lambda", "glue", "ec2", "ecs-tasks"} - {service}))
    own = (Mutation(address, "Policies.batchctl.Statement", policy("batchctl"), actions),)
    return (
        Mutation(address, "AssumeRolePolicyDocument.Statement", trust, services),
        Mutation(address, "Policies.theirs", policy("theirs"), actions),
        Mutation(address, "ManagedPolicies", attach, other("theirs", "colleagues")),
        Mutation(address, "PermissionsBoundary", bound, other("AmazonSQSReadOnlyAccess")),
        tag(address, write_tags),
        *(own if inline else ()),
    )


def _document(statement: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _instance_profile() -> Sequence[Mutation]:
    def change(application: Application, profile: Any, value: Any) -> None:
        iam = application.client("iam")
        iam.remove_role_from_instance_profile(
            InstanceProfileName=profile.id, RoleName="batchapp-instance"
        )
        if value:
            iam.add_role_to_instance_profile(InstanceProfileName=profile.id, RoleName=value)

    def write_tags(application: Application, profile: Any, tags: Mapping[str, str]) -> None:
        application.client("iam").tag_instance_profile(
            InstanceProfileName=profile.id,
            Tags=[{"Key": k, "Value": v} for k, v in tags.items()],
        )

    address = "instance_profile.instance"
    return (
        Mutation(address, "Roles", change, other(None, "batchapp-job")),
        tag(address, write_tags),
    )


def _security_group(address: str) -> Sequence[Mutation]:
    def allow(application: Application, group: Any, value: Any) -> None:
        application.client("ec2").authorize_security_group_ingress(
            GroupId=group.id, IpPermissions=[_permission(*value)]
        )

    def let_out(application: Application, group: Any, value: Any) -> None:
        application.client("ec2").authorize_security_group_egress(
            GroupId=group.id, IpPermissions=[_permission(*value)]
        )

    def write_tags(application: Application, group: Any, tags: Mapping[str, str]) -> None:
        application.client("ec2").create_tags(
            Resources=[group.id], Tags=[{"Key": k, "Value": v} for k, v in tags.items()]
        )

    permissions = st.tuples(st.integers(1, 1024), other("10.0.0.0/8", "192.0.2.7/32"))
    return (
        Mutation(address, "IpPermissions", allow, permissions),
        Mutation(address, "IpPermissionsEgress", let_out, permissions),
        tag(address, write_tags),
    )


def _permission(port: int, cidr: str) -> dict[str, Any]:
    ranges = [{"CidrIp": cidr}]
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": ranges}


ACCESS: tuple[Mutation, ...] = (
    *role_mutations("role.receiver", "lambda"),
    *role_mutations("role.job", "ecs-tasks"),
    *role_mutations("role.instance", "ec2"),
    *_instance_profile(),
    *_security_group("security_group.compute"),
    *_security_group("security_group.load_balancer"),
)
