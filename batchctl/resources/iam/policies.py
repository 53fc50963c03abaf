"""What a role allows: policy documents, and the reading and writing of a role's policies.

Documents are compared in one canonical form: every list is a list (IAM takes a single text as
well) and sorted, as IAM gives no meaning to their order (IAM user guide, "Policy grammar").
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from batchctl.aws.errors import ignore_missing
from batchctl.aws.session import Aws

VERSION = "2012-10-17"


def document(statements: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a policy document of these statements in canonical form."""
    return canonical({"Version": VERSION, "Statement": statements})


def canonical(policy: Mapping[str, Any]) -> dict[str, Any]:
    """Return a policy document with every list a sorted list; statements keep their order."""
    return {
        **policy,
        "Statement": [
            {key: _canonical_value(key, value) for key, value in statement.items()}
            for statement in _as_list(policy.get("Statement", []))
        ],
    }


def _canonical_value(key: str, value: Any) -> Any:
    if key in {"Action", "Resource"}:
        return sorted(_as_list(value))
    if key == "Principal" and isinstance(value, Mapping):
        return _sorted_values(value)
    if key == "Condition" and isinstance(value, Mapping):
        return {operator: _sorted_values(keys) for operator, keys in value.items()}
    return value


def _sorted_values(value: Mapping[str, Any]) -> dict[str, list[Any]]:
    return {key: sorted(_as_list(values)) for key, values in value.items()}


def refuses(policy: Mapping[str, Any], ours: Mapping[str, Any] | None = None) -> bool:
    """Whether a resource policy refuses anything that `ours` doesn't: then its removal lets in."""
    known = _as_list((ours or {}).get("Statement", []))
    return any(
        each.get("Effect") == "Deny" and each not in known
        for each in _as_list(policy.get("Statement", []))
    )


def regions_in(policies: Mapping[str, Any]) -> set[str]:
    """Return the regions of the ARNs that inline policies, by name, allow something on."""
    arns = (
        arn.split(":")
        for policy in policies.values()
        for statement in policy["Statement"]
        for arn in statement.get("Resource", ())
    )
    return {parts[3] for parts in arns if len(parts) > 3 and parts[3] not in {"", "*"}}


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def inline_policies(aws: Aws, role: str) -> dict[str, Any]:
    """Return the inline policies of a role, by name, in canonical form."""
    return {
        name: canonical(_inline_document(aws, role, name))
        for name in inline_policy_names(aws, role)
    }


def _inline_document(aws: Aws, role: str, name: str) -> Mapping[str, Any]:
    # boto3 has parsed the document already.
    parsed: Any = aws.iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    return dict(parsed)


def inline_policy_names(aws: Aws, role: str) -> list[str]:
    """Return the names of the inline policies of a role."""
    pages = aws.iam.get_paginator("list_role_policies").paginate(RoleName=role)
    return [name for page in pages for name in page["PolicyNames"]]


def managed_policies(aws: Aws, role: str) -> list[str]:
    """Return the ARNs of the managed policies that are attached to a role, sorted."""
    pages = aws.iam.get_paginator("list_attached_role_policies").paginate(RoleName=role)
    return sorted(policy["PolicyArn"] for page in pages for policy in page["AttachedPolicies"])


def write_inline_policies(
    aws: Aws, role: str, wanted: Mapping[str, Any], had: Mapping[str, Any]
) -> None:
    """Put the `wanted` inline policies that differ, delete the others that the role `had`."""
    for name, policy in wanted.items():
        if policy != had.get(name):
            aws.iam.put_role_policy(
                RoleName=role, PolicyName=name, PolicyDocument=json.dumps(policy)
            )
    for name in _without(had, wanted):
        delete_inline_policy(aws, role, name)


def write_managed_policies(aws: Aws, role: str, wanted: Sequence[str], had: Sequence[str]) -> None:
    """Attach the `wanted` managed policies (ARNs), detach the others that the role `had`."""
    for arn in _without(wanted, had):
        aws.iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    for arn in _without(had, wanted):
        detach_managed_policy(aws, role, arn)


def _without(these: Mapping[str, Any] | Sequence[str], those: Any) -> Iterator[str]:
    return (each for each in these if each not in those)


def delete_inline_policy(aws: Aws, role: str, name: str) -> None:
    """Delete an inline policy; quiet when it is gone."""
    with ignore_missing():
        aws.iam.delete_role_policy(RoleName=role, PolicyName=name)


def detach_managed_policy(aws: Aws, role: str, arn: str) -> None:
    """Detach a managed policy; quiet when it is not attached."""
    with ignore_missing():
        aws.iam.detach_role_policy(RoleName=role, PolicyArn=arn)
