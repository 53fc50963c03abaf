"""The lint of policies: iam-policy-validator with AWS's own reference."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from iam_validator.core.aws_service import AWSServiceFetcher
from iam_validator.core.config.config_loader import ValidatorConfig
from iam_validator.core.models import IAMPolicy, PolicyValidationResult
from iam_validator.core.policy_checks import validate_policies
from made_policies import Policy
from service_reference import write_reference

TYPES: dict[str, Any] = {
    "identity": "IDENTITY_POLICY",
    "trust": "TRUST_POLICY",
    "resource": "RESOURCE_POLICY",
}
# Its opinion that GetItem, Query and the like should have conditions whatever the resource is.
NO_OPINIONS = ValidatorConfig({"sensitive_action": {"enabled": False}})
Finding = tuple[str, str, str]


def lint(folder: Path, policies: list[Policy]) -> dict[Finding, str]:
    """Return what the validator finds: the text by (kind of policy, whose, kind of finding)."""
    reference = folder / "reference"
    reference.mkdir()
    write_reference(reference, {"sts"} | {service for each in policies for service in used(each)})
    found: dict[Finding, str] = {}
    for kind, kind_of_policy in TYPES.items():
        documents = [
            (str(write(folder, each)), IAMPolicy.model_validate(each.document))
            for each in policies
            if each.kind == kind
        ]
        for result in asyncio.run(validated(documents, kind_of_policy, reference)):
            name = Path(result.policy_file).stem.partition(".")[2]
            found |= {
                (kind, name, issue.issue_type): f"{issue.statement_sid}: {issue.message}"
                for issue in result.issues
            }
    return found


async def validated(
    documents: list[tuple[str, IAMPolicy]], kind: Any, reference: Path
) -> list[PolicyValidationResult]:
    async with AWSServiceFetcher(prefetch_common=False, aws_services_dir=reference) as fetcher:
        return await validate_policies(
            documents, policy_type=kind, fetcher=fetcher, config=NO_OPINIONS
        )


def used(policy: Policy) -> set[str]:
    """Return the services whose actions a policy names."""
    return {
        action.partition(":")[0]
        for statement in policy.document["Statement"]
        for action in listed(statement["Action"])
    }


def listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def write(folder: Path, policy: Policy) -> Path:
    path = folder / f"{policy.kind}.{policy.name}.json"
    path.write_text(json.dumps(policy.document))
    return path
