"""Tags: the stack's own, and the spellings that the services have for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

STACK_TAG = "batchctl:stack"
REGION_TAG = "batchctl:region"
ORIGIN_TAG = "batchctl:origin"
# On one function alone: a new version would else change the tags of everything.
VERSION_TAG = "batchctl:version"
DOOR_TAG = "batchctl:door"
PROTECTED_TAG = "batchctl:protected"
SERIAL_TAG = "batchctl:serial"


def mark_of(stack: str, region: str, origin: str | None) -> dict[str, str]:
    """Return the tags by which what a stack made is known: THE place where they are listed.

    The region is one of them as IAM's names are the account's: one name in two regions is two
    stacks. The origin tells apart who chose the same name in one region. What was made before a tag
    came into the mark lacks it, and gets it with the next `up`.
    """
    mark = {STACK_TAG: stack, REGION_TAG: region}
    return mark if origin is None else {**mark, ORIGIN_TAG: origin}


def as_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as the list of Key and Value that most APIs take."""
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def as_dict(tags: Iterable[Mapping[str, Any]] | None) -> dict[str, str]:
    """Return tags as a dict from the list of Key and Value that most APIs answer."""
    return {str(tag["Key"]): str(tag["Value"]) for tag in tags or ()}
