"""Policies and a role as Terraform has them (its `aws` provider)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from batchctl.application.policy.statements import document, split


def as_policies(found: Sequence[Mapping[str, Any]], name: str) -> str:
    """Return as many `aws_iam_policy` as the statements need, `name` in the name of each."""
    parts = split(found)
    names = [name if len(parts) == 1 else f"{name}-{number}" for number in range(1, len(parts) + 1)]
    return "\n\n".join(
        _block("aws_iam_policy", each, "policy", document(part))
        for each, part in zip(names, parts, strict=True)
    )


def as_role(trust: Mapping[str, Any], name: str) -> str:
    """Return the `aws_iam_role` with this trust policy."""
    return _block("aws_iam_role", name, "assume_role_policy", trust)


def _block(kind: str, name: str, argument: str, policy: Mapping[str, Any]) -> str:
    # What comes of a template (`${…}`) is the policy's own text here.
    text = json.dumps(policy, indent=2).replace("${", "$${").replace("%{", "%%{")
    body = text.replace("\n", "\n  ")
    label = name.replace("-", "_")
    return (
        f'resource "{kind}" "{label}" {{\n  name = "{name}"\n  {argument} = jsonencode({body})\n}}'
    )
