"""Container properties: as registered, and as one job overrides them.

Source: AWS Batch API Reference, "ContainerProperties" and "ContainerOverrides".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from batchctl.local.batch.api.errors import RefusedError

MAX_OVERRIDES = 8192
"""Amazon ECS, RunTask: container overrides of at most 8,192 characters, counted in their JSON
form."""

MIN_MEMORY_MIB = 4
"""ResourceRequirement, AWS Batch API Reference: at least 4 MiB."""

_PLACEHOLDER = re.compile(r"Ref::([A-Za-z0-9_-]+)")


def registered(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return a definition's container as Batch keeps it, with the empty lists that Batch adds."""
    if not properties.get("image"):
        raise RefusedError("Container image is required")
    _check_environment(properties.get("environment", []))
    added: dict[str, Any] = {
        "command": [],
        "volumes": [],
        "environment": [],
        "mountPoints": [],
        "ulimits": [],
        "resourceRequirements": [],
        "secrets": [],
    }
    container = added | dict(properties)
    if vcpus(container) <= 0:
        raise RefusedError("Container vCPUs must be greater than 0")
    if memory_mib(container) < MIN_MEMORY_MIB:
        raise RefusedError(f"Container memory must be at least {MIN_MEMORY_MIB} MiB")
    return container


def overridden(container: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return `container` with a job's overrides: the command whole, the rest by name."""
    if len(json.dumps(overrides, separators=(",", ":"))) > MAX_OVERRIDES:
        raise RefusedError(f"Container Overrides length must be at most {MAX_OVERRIDES}")
    _check_environment(overrides.get("environment", []))
    merged = dict(container)
    if "command" in overrides:
        if "" in overrides["command"]:
            raise RefusedError("The command must not contain an empty string")
        merged["command"] = overrides["command"]
    for member, key in (("environment", "name"), ("resourceRequirements", "type")):
        merged[member] = _merged(container[member], overrides.get(member, []), key)
    return merged


def command(container: Mapping[str, Any], parameters: Mapping[str, str]) -> list[str]:
    """Return the command with `Ref::name` filled in; one without a value stays as it is."""
    return [
        _PLACEHOLDER.sub(lambda match: parameters.get(match[1], match[0]), word)
        for word in container["command"]
    ]


def vcpus(container: Mapping[str, Any]) -> float:
    """Return how many vCPUs the container asks for."""
    return float(_requirement(container, "VCPU", "vcpus"))


def memory_mib(container: Mapping[str, Any]) -> int:
    """Return how much memory the container asks for, in MiB."""
    return int(_requirement(container, "MEMORY", "memory"))


def _requirement(container: Mapping[str, Any], kind: str, deprecated_member: str) -> float:
    for requirement in container["resourceRequirements"]:
        if requirement["type"] == kind:
            try:
                return float(requirement["value"])
            except ValueError as error:
                raise RefusedError(f"{kind} must be a number") from error
    if deprecated_member in container:
        return float(container[deprecated_member])
    raise RefusedError(f"resourceRequirements must have a value for {kind}")


def _merged(
    base: list[dict[str, Any]], overrides: list[dict[str, Any]], key: str
) -> list[dict[str, Any]]:
    return list(
        ({item[key]: item for item in base} | {item[key]: item for item in overrides}).values()
    )


def _check_environment(environment: list[dict[str, Any]]) -> None:
    for variable in environment:
        if variable.get("name", "").startswith("AWS_BATCH"):
            raise RefusedError("Environment variable names must not start with AWS_BATCH")
