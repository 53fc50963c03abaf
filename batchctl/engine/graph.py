"""The graph of an application: what each resource needs, and so what each is for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from batchctl.engine.state import StateRecord
from batchctl.resource import Group, Resource

__all__ = ["Group", "graph_of", "graph_of_records", "groups_of"]

Graph = Mapping[str, Iterable[str]]
"""The addresses of the dependencies of each address."""


def graph_of(stack: Sequence[Resource[Any]]) -> dict[str, set[str]]:
    """Return for each address the addresses of its dependencies."""
    return {r.address: {each.address for each in r.dependencies} for r in stack}


def graph_of_records(records: Iterable[StateRecord]) -> dict[str, set[str]]:
    """Return the same of what is recorded."""
    return {record.address: set(record.dependencies) for record in records}


def groups_of(graph: Graph) -> dict[str, Group]:
    """Return the group of each address.

    A kind without a group of its own (a role, a log group, a permission) belongs to the nearest of
    what uses it, or where nothing does to the nearest of what it uses.
    """
    used_by: defaultdict[str, list[str]] = defaultdict(list)
    for address, dependencies in graph.items():
        for dependency in dependencies:
            used_by[dependency].append(address)
    return {
        address: _own(address)
        or min(_nearest(address, used_by), key=_order, default=None)
        or max(_nearest(address, graph), key=_order, default=Group.OTHER)
        for address in graph
    }


def _own(address: str) -> Group | None:
    kind = Resource.kinds.get(address.partition(".")[0])
    return kind.group if kind else None


def _nearest(address: str, edges: Graph) -> set[Group]:
    """Return the groups of the nearest that have one, along the edges."""
    seen, reached = {address}, {address}
    while reached:
        reached = {to for each in reached for to in edges.get(each, ())} - seen
        seen |= reached
        if found := {group for each in reached if (group := _own(each))}:
            return found
    return set()


def _order(group: Group) -> int:
    return list(Group).index(group)
