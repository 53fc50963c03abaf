"""How long things are kept: what others had kept for longer is data, and no `up` just loses it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from batchctl.engine.difference import Change, at_path
from batchctl.engine.state import StateRecord
from batchctl.resource import Properties, Resource


def retentions_of(resource: Resource[Any], desired: Properties) -> dict[str, Any]:
    """Return for how long a resource is to keep things, by the paths of these properties."""
    return {path: at_path(desired, path) for path in resource.retentions}


def kept_shorter(
    resource: Resource[Any], record: StateRecord | None, changes: Iterable[Change]
) -> str | None:
    """Say what is lost where something is to be kept for a shorter time; None where nothing is.

    Who changed config.yaml has decided it. Where it says what it said before, others raised it.
    """
    before = record.retentions if record else {}
    for change in changes:
        if change.path in resource.retentions and _is_shorter(change):
            if before.get(change.path) not in {None, change.new}:
                continue
            kept = "for ever" if change.old is None else f"up to {change.old}"
            return f"what others had kept {kept} (`{change.path}` becomes {change.new})"
    return None


def _is_shorter(change: Change) -> bool:
    """Whether the new value is less than the old one; without one things are kept for ever."""
    if change.new is None:
        return False
    return change.old is None or int(change.new) < int(change.old)
