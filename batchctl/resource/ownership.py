"""Whether a resource found in AWS belongs to the stack: no other is ever changed or deleted."""

from __future__ import annotations

from collections.abc import Mapping

from batchctl.aws.session import Aws
from batchctl.errors import BatchctlError


class NotOwned(BatchctlError):
    """A resource of this name exists without the stack's tag; it is left untouched."""


def require_owned(aws: Aws, what: str, tags: Mapping[str, str]) -> None:
    """Raise NotOwned unless `tags` say that the resource found by name belongs to this stack."""
    if any(
        tags.get(key) != value for key, value in aws.tags.items() if key.startswith("batchctl:")
    ):
        raise NotOwned(
            f"{what} exists without the tag `batchctl:stack={aws.stack}`: left untouched",
            hint="rename the stack (`name` in config.yaml), or delete or tag it by hand",
        )
