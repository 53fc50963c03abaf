"""The computeResources of an environment: what Batch refuses, adds, and lets one change.

Source: AWS Batch API Reference, "ComputeResource" and "ComputeResourceUpdate"; AWS Batch User
Guide, "Perform infrastructure updates".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchctl.local.batch.api.errors import RefusedError

_SPOT_STRATEGIES = frozenset(
    {
        "SPOT_CAPACITY_OPTIMIZED",
        "SPOT_PRICE_CAPACITY_OPTIMIZED",
        "SPOT_CAPACITY_OPTIMIZED_PRIORITIZED",
    }
)
_ON_DEMAND_STRATEGIES = frozenset({"BEST_FIT_PROGRESSIVE", "BEST_FIT_PROGRESSIVE_ORDERED"})
_UPDATABLE_STRATEGIES = frozenset(
    {"BEST_FIT_PROGRESSIVE", "SPOT_CAPACITY_OPTIMIZED", "SPOT_PRICE_CAPACITY_OPTIMIZED"}
)
_SCALING = frozenset({"minvCpus", "maxvCpus", "desiredvCpus"})


def created(request: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a new environment's resources with what Batch adds; RefusedError as Batch."""
    if not request:
        raise RefusedError("computeResources must be provided for a MANAGED compute environment")
    defaults: dict[str, Any] = {
        "allocationStrategy": "BEST_FIT",
        "minvCpus": 0,
        "desiredvCpus": request.get("minvCpus", 0),
        "securityGroupIds": [],
        "tags": {},
        "ec2Configuration": [{"imageType": "ECS_AL2023"}],
    }
    resources = defaults | dict(request)
    _check(resources)
    return resources


def changed(
    current: Mapping[str, Any], changes: Mapping[str, Any], *, is_linked_role: bool
) -> dict[str, Any]:
    """Return `current` with `changes`, if its strategy and role allow these."""
    wanted = {key: value for key, value in changes.items() if key != "updateToLatestImageVersion"}
    resources = dict(current) | wanted
    if "desiredvCpus" not in wanted:
        # Batch moves it itself, within the bounds.
        bounds = (resources["minvCpus"], resources["maxvCpus"])
        resources["desiredvCpus"] = min(max(resources["desiredvCpus"], bounds[0]), bounds[1])
    replaces_instances = any(
        current.get(key) != value for key, value in wanted.items() if key not in _SCALING
    )
    if replaces_instances and not is_linked_role:
        raise RefusedError("An infrastructure update needs the AWSServiceRoleForBatch role")
    if replaces_instances and resources["allocationStrategy"] not in _UPDATABLE_STRATEGIES:
        strategy = resources["allocationStrategy"]
        raise RefusedError(f"An infrastructure update is not possible with {strategy}")
    _check(resources)
    return resources


def _check(resources: Mapping[str, Any]) -> None:
    if resources["type"] not in {"EC2", "SPOT"}:
        raise RefusedError("The local cloud has compute resources of type EC2 and SPOT only")
    for member in ("subnets", "instanceTypes", "instanceRole", "maxvCpus"):
        if not resources.get(member):
            raise RefusedError(f"computeResources.{member} is required")
    if not resources["securityGroupIds"] and "launchTemplate" not in resources:
        raise RefusedError("computeResources.securityGroupIds is required")
    if not 0 <= resources["minvCpus"] <= resources["maxvCpus"]:
        raise RefusedError("minvCpus must be between 0 and maxvCpus")
    if not resources["minvCpus"] <= resources["desiredvCpus"] <= resources["maxvCpus"]:
        raise RefusedError("desiredvCpus must be between minvCpus and maxvCpus")
    _check_strategy(resources["type"], resources["allocationStrategy"])
    _check_images(resources["ec2Configuration"])


def _check_strategy(kind: str, strategy: str) -> None:
    allowed = (
        _SPOT_STRATEGIES | {"BEST_FIT_PROGRESSIVE"} if kind == "SPOT" else _ON_DEMAND_STRATEGIES
    )
    if strategy != "BEST_FIT" and strategy not in allowed:
        raise RefusedError(f"allocationStrategy {strategy} is not valid for type {kind}")


def _check_images(configurations: list[dict[str, Any]]) -> None:
    # AWS Batch User Guide, "How to migrate from ECS AL2 to ECS AL2023": refused since 30 June 2026.
    for configuration in configurations:
        image_type = configuration["imageType"]
        if image_type.startswith("ECS_AL2") and not image_type.startswith("ECS_AL2023"):
            raise RefusedError(f"imageType {image_type} is no longer supported, use ECS_AL2023")
