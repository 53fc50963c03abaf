"""One resource through its verbs, as the engine calls them."""

from __future__ import annotations

from typing import Any, TypeVar

from batchctl.engine.difference import Change, difference
from batchctl.resource import Actual, Deployed, Outputs, Resource

Made = TypeVar("Made", bound=Outputs)


def make(resource: Resource[Made], deployed: Deployed) -> Made:
    """Create it, and make its outputs known to those that depend on it."""
    outputs = resource.create(deployed.aws, resource.desired(deployed))
    deployed.add(resource, outputs)
    return outputs


def found(resource: Resource[Any], deployed: Deployed) -> Actual[Any]:
    """Return what AWS has of it, found by its identity; fails when there is nothing."""
    actual = resource.read(deployed.aws, None, resource.desired(deployed))
    assert actual is not None
    return actual


def changes(resource: Resource[Any], deployed: Deployed) -> tuple[Change, ...]:
    """Return what differs from what is wanted."""
    return difference(resource.desired(deployed), found(resource, deployed).properties)


def repair(resource: Resource[Any], deployed: Deployed) -> None:
    """Bring about what differs."""
    desired = resource.desired(deployed)
    tops = {change.top for change in changes(resource, deployed)}
    changed = {key: value for key, value in desired.items() if key in tops}
    actual = found(resource, deployed)
    deployed.add(resource, resource.update(deployed.aws, actual, desired, changed))
