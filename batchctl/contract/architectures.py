"""Which processor architecture an EC2 instance type has."""

from __future__ import annotations

import re

# EC2 user guide, "Instance type naming conventions": a `g` after the generation is Graviton.
_GRAVITON = re.compile(r"default_arm64|[a-z]+[0-9]+g[a-z]*(\..*)?")


def architecture_of(instance_type: str) -> str:
    """Return `arm64` or `x86_64`, for a type, a family, or AWS Batch's choice (`optimal`)."""
    return "arm64" if _GRAVITON.fullmatch(instance_type) else "x86_64"
