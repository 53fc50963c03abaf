"""The decision what is done with one resource, from what is desired, recorded and actual."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from batchctl.engine.action import Action
from batchctl.engine.difference import Change, attributes, difference, leaving
from batchctl.engine.retentions import kept_shorter
from batchctl.engine.state import StateRecord
from batchctl.engine.steps import Step
from batchctl.resource import Actual, Properties, Resource


def decide(
    resource: Resource[Any],
    record: StateRecord | None,
    actual: Actual[Any] | None,
    desired: Properties,
    tags: Mapping[str, str],
) -> Step:
    """Return the step that brings `actual` to `desired`. Pure: makes no call."""
    remark = resource.when_made
    step = Step(Action.NO_OP, resource.address, resource.physical_name, remark=remark)
    if actual is None:
        if resource.lookup:
            return step
        return dataclasses.replace(step, action=Action.CREATE, changes=attributes(desired))
    desired = leaving(desired, actual.properties, resource.leaves)
    step = dataclasses.replace(
        step,
        notes=actual.notes,
        adopted=not resource.lookup and not resource.shared and _unrecorded(record),
        changes=(
            *_differing(desired, actual),
            *_tag_changes(resource, record, actual, tags),
        ),
    )
    if step.changes and not _is_being_made(record):
        loosens = tuple(resource.loosened(actual.properties, desired))
        shortens = kept_shorter(resource, record, step.changes)
        step = dataclasses.replace(step, loosens=loosens, loses_data=shortens)
    forced_by = _forcing(resource, step.changes)
    if forced_by:
        return dataclasses.replace(step, action=Action.REPLACE, forced_by=forced_by)
    if step.changes:
        return dataclasses.replace(step, action=Action.UPDATE)
    return dataclasses.replace(step, remark="unchanged" if remark else "")


def _differing(desired: Properties, actual: Actual[Any]) -> tuple[Change, ...]:
    decided = {key: value for key, value in desired.items() if key not in actual.server_assigned}
    return difference(decided, actual.properties)


def _is_being_made(record: StateRecord | None) -> bool:
    """Whether a run of ours was ended while it made this: who ran it has agreed to all of it."""
    return record is not None and record.outputs is None


def _unrecorded(record: StateRecord | None) -> bool:
    return record is None or record.outputs is None


def _forcing(resource: Resource[Any], changes: Iterable[Change]) -> tuple[str, ...]:
    fixed = (*resource.identity, *resource.immutable)
    return tuple(each.path for each in changes if each.path in fixed or each.top in fixed)


def _tag_changes(
    resource: Resource[Any],
    record: StateRecord | None,
    actual: Actual[Any],
    tags: Mapping[str, str],
) -> tuple[Change, ...]:
    """Return the differences in our own tags; tags set by others don't count."""
    if not resource.taggable or resource.lookup or resource.shared:
        return ()
    tags = {**tags, **resource.own_tags}
    ours = dict.fromkeys((*tags, *(record.tag_keys if record else ())))
    return tuple(
        Change(f"tags.{key}", actual.tags.get(key), tags.get(key))
        for key in ours
        if actual.tags.get(key) != tags.get(key)
    )
