"""ARNs that the user names: of which region they are."""

from __future__ import annotations

from batchctl.errors import BatchctlError


def require_region(arn: str, region: str, setting: str) -> None:
    """Raise BatchctlError when an ARN is of another region; that of a global service is of all."""
    of = arn.split(":")[3]
    if of not in {"", region}:
        raise BatchctlError(
            f"could not use `{arn}`: it is of region {of}, the application is in {region}",
            hint=f"name one of {region} in `{setting}` of config.yaml",
        )
