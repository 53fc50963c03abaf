"""Whether a resource found in AWS belongs to the stack: no other is ever changed or deleted."""

from __future__ import annotations

from collections.abc import Mapping

from batchctl.aws.session import Aws
from batchctl.aws.tags import ORIGIN_TAG, REGION_TAG, STACK_TAG
from batchctl.errors import BatchctlError

# What config.yaml takes as `name`.
LONGEST_NAME = 20


class NotOwned(BatchctlError):
    """A resource of this name exists without the stack's mark; it is left untouched."""

    code = "not_owned"


def is_owned(aws: Aws, tags: Mapping[str, str]) -> bool:
    """Whether `tags` are the mark of this stack, of this origin, in this region.

    What an older version made has no region or origin in its mark: it is of the region where it was
    found, and of whoever has its name.
    """
    here = tags.get(STACK_TAG) == aws.stack and tags.get(REGION_TAG, aws.region) == aws.region
    return here and not _is_of_others(aws, tags)


def _is_of_others(aws: Aws, tags: Mapping[str, str]) -> bool:
    """Whether the mark names another origin than the one that is known."""
    return aws.origin is not None and tags.get(ORIGIN_TAG, aws.origin) != aws.origin


def foreign_because(aws: Aws, tags: Mapping[str, str]) -> str:
    """Say by its tags why something isn't the stack's: "has the tag …", "lacks the tag …"."""
    stack, region = tags.get(STACK_TAG), tags.get(REGION_TAG)
    if stack is None:
        return f"lacks the tag `{STACK_TAG}={aws.stack}`"
    if stack != aws.stack:
        return f"has the tag `{STACK_TAG}={stack}`"
    if region not in {None, aws.region}:
        return f"has the tag `{REGION_TAG}={region}`"
    return f"has the tag `{ORIGIN_TAG}={tags.get(ORIGIN_TAG)}`"


def require_owned(aws: Aws, what: str, tags: Mapping[str, str]) -> None:
    """Raise NotOwned unless `tags` say that the resource found by name belongs to this stack."""
    if is_owned(aws, tags):
        return
    if tags.get(STACK_TAG) == aws.stack:
        if tags.get(REGION_TAG, aws.region) != aws.region:
            raise in_other_region(aws, what, tags[REGION_TAG])
        raise NotOwned(
            f"{what} belongs to another stack of the name `{aws.stack}` "
            f"({said_of_origin(tags[ORIGIN_TAG])}): left untouched",
            hint="give this stack a name of its own (`name` in config.yaml)",
        )
    raise NotOwned(
        f"{what} exists without the tag `{STACK_TAG}={aws.stack}`: left untouched",
        hint="rename the stack (`name` in config.yaml), or delete or tag it by hand",
    )


def said_of_origin(origin: str) -> str:
    """Return who made a stack, and when, by its origin: "made by user/alice, 2026-11-28T…"."""
    _, at, by = (*origin.split(" ", 2), "", "")[:3]
    return f"made by {by or 'somebody'}, {at or 'at an unknown time'}"


def in_other_region(aws: Aws, what: str, region: str) -> NotOwned:
    """Return the error for what the stack of the same name in another region has."""
    return NotOwned(
        f"{what} belongs to the stack `{aws.stack}` in {region}, this run is for {aws.region}: "
        "left untouched",
        hint="names of IAM are the account's, not a region's: give this stack a name of its own, "
        f"for example `name: {_name_for(aws)}` in config.yaml",
    )


def _name_for(aws: Aws) -> str:
    """Return a name that tells the region: `twin-euw1` for `twin` in eu-west-1."""
    parts = aws.region.split("-")
    short = "".join((parts[0], *(part[0] for part in parts[1:-1]), parts[-1]))
    return f"{aws.stack[: LONGEST_NAME - len(short) - 1].rstrip('-')}-{short}"
