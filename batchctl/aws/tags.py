"""Tags: the stack's own, and the spellings that the services have for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

STACK_TAG = "batchctl:stack"


def as_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as the list of Key and Value that most APIs take."""
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def as_dict(tags: Iterable[Mapping[str, Any]] | None) -> dict[str, str]:
    """Return tags as a dict from the list of Key and Value that most APIs answer."""
    return {str(tag["Key"]): str(tag["Value"]) for tag in tags or ()}
