"""In which order a stack is made: each after what it needs, but not after what it only names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from graphlib import TopologicalSorter
from typing import Any

from batchctl.engine.graph import graph_of
from batchctl.resource import Resource


def order_of_creation(
    stack: Sequence[Resource[Any]], foreseen: AbstractSet[str]
) -> dict[str, AbstractSet[str]]:
    """Return for each address what must come before it; `foreseen` are those of known outputs.

    A policy, a variable or a pattern that names a thing is good before there is that thing. What
    lets work in comes after all that is behind it: no job may come to a queue that couldn't be
    made.
    """
    graph = graph_of(stack)
    behind = _transitive(graph)
    return {
        resource.address: behind[resource.address]
        if resource.entry_point
        else {
            each.address
            for each in resource.dependencies
            if not (each.kind in resource.only_names and each.address in foreseen)
        }
        for resource in stack
    }


def _transitive(graph: Mapping[str, AbstractSet[str]]) -> dict[str, AbstractSet[str]]:
    """Return for each address all that it needs, at whatever distance."""
    found: dict[str, AbstractSet[str]] = {}
    for address in TopologicalSorter(graph).static_order():
        before = graph[address]
        found[address] = frozenset(before).union(*(found[each] for each in before))
    return found
