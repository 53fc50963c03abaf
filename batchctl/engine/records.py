"""What is recorded of a resource: when it is made, changed or found."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from batchctl.aws.session import Aws
from batchctl.engine.generations import at_generations
from batchctl.engine.plan import Plan
from batchctl.engine.retentions import retentions_of
from batchctl.engine.state import StateFile, StateRecord
from batchctl.resource import Deployed, Outputs, Properties, Resource


def record_of(
    resource: Resource[Any], desired: Properties, outputs: Outputs | None, aws: Aws
) -> StateRecord:
    """Return the record of a resource; without outputs it is an intent."""
    tags = sorted({*aws.tags, *resource.own_tags}) if resource.taggable else ()
    return StateRecord(
        kind=resource.kind,
        label=resource.label,
        generation=resource.generation,
        identity={key: desired[key] for key in resource.identity if key in desired},
        outputs=None if outputs is None else dataclasses.asdict(outputs),
        dependencies=tuple(sorted(d.address for d in resource.dependencies if not d.lookup)),
        tag_keys=tuple(tags),
        retentions=retentions_of(resource, desired),
    )


def record_found(stack: Sequence[Resource[Any]], plan: Plan, state: StateFile, aws: Aws) -> None:
    """Record all that a plan found of the stack, as it is: nothing of it is changed.

    `down` then knows what to delete.
    """
    deployed = Deployed(aws)
    state.depose(plan.generations.deposed)
    for resource in at_generations(stack, state.state, plan.generations):
        actual = plan.actual.get(resource.address)
        if actual is None:
            continue
        deployed.add(resource, actual.outputs)
        if not resource.lookup:
            desired = resource.desired(deployed)
            state.put(record_of(resource, desired, actual.outputs, aws))
