"""What is deployed, found by name and mark alone: for whoever has no state of it.

Only what is asked for is read. What may not be read is named and hides nothing else.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from batchctl.aws.session import Aws
from batchctl.engine.generations import all_of, at_generations, find_generations, unrecorded_kinds
from batchctl.engine.graph import graph_of
from batchctl.engine.plan import observe
from batchctl.engine.state import State, StateRecord
from batchctl.engine.walk import walk
from batchctl.resource import Actual, Deployed, NotOwned, Resource


@dataclass(frozen=True)
class Discovery:
    """What was found: records and what AWS has of them, by address, and what couldn't be read."""

    records: Mapping[str, StateRecord] = field(default_factory=dict)
    actual: Mapping[str, Actual[Any]] = field(default_factory=dict)
    failed: Mapping[str, BaseException] = field(default_factory=dict)


def discover(resources: Sequence[Resource[Any]], aws: Aws, nothing: State) -> Discovery:
    """Return what AWS has of these resources under their names, with this stack's mark.

    `nothing` is an empty state. What somebody else has under such a name counts as absent. Raises
    what ends every call: a lost login.
    """
    deployed, lock = Deployed(aws), threading.Lock()
    actual: dict[str, Actual[Any]] = {}
    stack = _at_last_generations(resources, aws, nothing)
    by_address = {each.address: each for each in stack}

    def read_one(address: str) -> None:
        resource = by_address[address]
        try:
            found = observe(resource, None, resource.desired(deployed), aws)
        except NotOwned:
            return
        if found is not None:
            with lock:
                actual[address] = found
                deployed.add(resource, found.outputs)

    graph = {key: needs & by_address.keys() for key, needs in graph_of(stack).items()}
    outcome = walk(graph, read_one, aws.clock.stop, aws.clock.workers)
    if outcome.ended_by:
        raise outcome.ended_by
    records = {key: _record(by_address[key], actual[key]) for key in by_address if key in actual}
    return Discovery(records, actual, outcome.failed)


def _at_last_generations(
    resources: Sequence[Resource[Any]], aws: Aws, nothing: State
) -> tuple[Resource[Any], ...]:
    """Return the resources, each at the last of its generations, as far as that may be read."""
    kinds = unrecorded_kinds(resources, nothing)
    found = []

    def find(kind: str) -> None:
        found.append(find_generations(kinds[kind], aws))

    nodes = dict.fromkeys(kinds, frozenset[str]())
    outcome = walk(nodes, find, aws.clock.stop, aws.clock.workers)
    if outcome.ended_by:
        raise outcome.ended_by
    return at_generations(resources, nothing, all_of(found))


def _record(resource: Resource[Any], actual: Actual[Any]) -> StateRecord:
    return StateRecord(
        kind=resource.kind,
        label=resource.label,
        generation=resource.generation,
        outputs=dataclasses.asdict(actual.outputs),
        dependencies=tuple(sorted(each.address for each in resource.dependencies)),
    )
