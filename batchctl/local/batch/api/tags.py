"""Tags of Batch resources: kept where the resource is, changed by ARN."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from batchctl.local.batch.api.errors import RefusedError

MAX_TAGS = 50
"""TagResource, AWS Batch API Reference: at most 50 tags."""


class Tagged(Protocol):
    """A record with tags."""

    tags: dict[str, str]


class Shelf(Protocol):
    """A collection of records that finds them by ARN."""

    def tagged(self, arn: str) -> Tagged | None:
        """Return the record with this ARN, None when it isn't of this collection."""


class TagOperations:
    """TagResource, UntagResource and ListTagsForResource over all of Batch's collections."""

    def __init__(self, *shelves: Shelf) -> None:
        """Look through `shelves` in turn."""
        self._shelves = shelves

    def tag(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Add tags to the resource, over those that it has."""
        record = self._find(request["resourceArn"])
        tags = record.tags | request["tags"]
        check(tags)
        record.tags = tags
        return {}

    def untag(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Remove the tags with these keys; those that it hasn't are passed over."""
        record = self._find(request["resourceArn"])
        gone = set(request["tagKeys"])
        record.tags = {key: value for key, value in record.tags.items() if key not in gone}
        return {}

    def list(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the tags of the resource."""
        return {"tags": dict(self._find(request["resourceArn"]).tags)}

    def find(self, arn: str) -> dict[str, str] | None:
        """Return the tags of the resource, None when there is no such resource."""
        record = self._record(arn)
        return None if record is None else dict(record.tags)

    def _find(self, arn: str) -> Tagged:
        record = self._record(arn)
        if record is None:
            raise RefusedError(f"Resource does not exist: {arn}")
        return record

    def _record(self, arn: str) -> Tagged | None:
        found = (shelf.tagged(arn) for shelf in self._shelves)
        return next((record for record in found if record is not None), None)


def check(tags: Mapping[str, str]) -> None:
    """Refuse more tags than Batch takes, and keys that are AWS's own."""
    if len(tags) > MAX_TAGS:
        raise RefusedError(f"A resource must not have more than {MAX_TAGS} tags")
    reserved = [key for key in tags if key.lower().startswith("aws:")]
    if reserved:
        raise RefusedError(f"Tag keys must not start with aws: {reserved[0]}")
