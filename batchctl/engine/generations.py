"""What a lost state knew of replacements: successors have names of their own, found here.

Beside `batchapp-api` there may be `batchapp-api-2`, which took its place. Without a record both are
found by name and mark: the last one is the resource, those before it are deposed.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from batchctl.aws.session import Aws
from batchctl.engine.state import State, StateRecord
from batchctl.resource import Outputs, Resource, is_owned


@dataclass(frozen=True)
class Generations:
    """What was found: the last generation of a resource, by address, and those deposed by it."""

    last: Mapping[str, int]
    deposed: tuple[StateRecord, ...] = ()


NONE_FOUND = Generations({})


def unrecorded_kinds(
    stack: Sequence[Resource[Any]], state: State
) -> Mapping[str, Sequence[Resource[Any]]]:
    """Return the resources without a record by the kind whose successors are to be found."""
    found: dict[str, list[Resource[Any]]] = {}
    for resource in stack:
        kinds = type(resource).__mro__
        has_replicas = any("replicas" in vars(kind) for kind in kinds if kind is not Resource)
        if has_replicas and resource.address not in state.resources:
            found.setdefault(resource.kind, []).append(resource)
    return found


def find_generations(resources: Sequence[Resource[Any]], aws: Aws) -> Generations:
    """Return the generations that AWS has of resources of one kind, beyond the first alone."""
    kind = type(resources[0])
    named = list(kind.replicas(aws, [each.name for each in resources]))
    last: dict[str, int] = {}
    deposed: list[StateRecord] = []
    for resource in resources:
        found = dict(_owned(resource, named, aws))
        if found.keys() <= {1}:
            continue
        last[resource.address] = max(found)
        deposed.extend(
            _record(resource, number, outputs)
            for number, outputs in found.items()
            if number < max(found)
        )
    return Generations(last, tuple(deposed))


def all_of(found: Collection[Generations]) -> Generations:
    """Return what was found of several kinds as one."""
    return Generations(
        {address: number for each in found for address, number in each.last.items()},
        tuple(record for each in found for record in each.deposed),
    )


def _owned(
    resource: Resource[Any], named: Sequence[tuple[str, Outputs]], aws: Aws
) -> Iterator[tuple[int, Outputs]]:
    """Yield the generations of a resource among all that has such a name, with this stack's mark.

    Nothing is asked when only the first can be there.
    """
    pattern = re.compile(rf"{re.escape(resource.name)}(?:-([1-9]\d*))?")
    numbered = [
        (int(match[1] or 1), outputs)
        for name, outputs in named
        if (match := pattern.fullmatch(name))
    ]
    if any(number > 1 for number, _ in numbered):
        for number, outputs in numbered:
            if is_owned(aws, resource.tags_of(aws, outputs) or {}):
                yield number, outputs


def _record(resource: Resource[Any], number: int, outputs: Outputs) -> StateRecord:
    return StateRecord(
        kind=resource.kind,
        label=resource.label,
        generation=number,
        outputs=dataclasses.asdict(outputs),
        dependencies=tuple(sorted(d.address for d in resource.dependencies if not d.lookup)),
        tag_keys=(),
    )


def at_generations(
    stack: Sequence[Resource[Any]], state: State, found: Generations = NONE_FOUND
) -> tuple[Resource[Any], ...]:
    """Return the stack with each resource at its recorded generation, or else at the one found.

    A resource that is gone while its predecessors are still to be deleted gets a name after theirs.
    """
    numbers = dict(found.last)
    for record in state.deposed:
        numbers[record.address] = max(numbers.get(record.address, 1), record.generation + 1)
    numbers |= {address: record.generation for address, record in state.resources.items()}
    return tuple(
        dataclasses.replace(resource, generation=numbers[resource.address])
        if numbers.get(resource.address, 1) > 1
        else resource
        for resource in stack
    )
