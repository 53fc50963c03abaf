"""The application: every resource and what it is wired to. THE architecture diagram, in code.

    client -> front door -> TaskReceiver -> queue -> JobSplitter -> job queue (Spot, then on demand)
    -> compute container -> job table <- JobAPI <- front door <- client
    job queue -> event rule -> JobTracker -> job table

The front door is a load balancer or API Gateway.

`build` wires the resources from config.yaml; an arrow is a field of a resource that holds another.
Nothing here calls AWS.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from batchctl.config import Config
from batchctl.image.recipe import Recipe
from batchctl.packaging import Package
from batchctl.resource import Resource
from batchctl.stack.compute import IN_AWS, Surroundings, build_batch, build_network
from batchctl.stack.events import build_events
from batchctl.stack.front_door import build_front_door
from batchctl.stack.functions import build_functions
from batchctl.stack.storage import build_storage

__all__ = ["Surroundings", "build", "in_order"]

QUEUES = ("queue.jobs", "queue.dead_letters", "queue.events_dead_letters")


def build(
    config: Config,
    *,
    image: str | Recipe,
    package: Package,
    surroundings: Surroundings = IN_AWS,
) -> tuple[Resource[Any], ...]:
    """Return every resource of the application, dependencies first.

    `image` is what the job definition runs, or what that is built from; `package` is the code of
    the functions; `surroundings` is what config.yaml doesn't say.
    """
    network = build_network(config)
    storage = build_storage(config)
    batch = build_batch(config, network, storage, image, surroundings)
    functions = build_functions(config, network, storage, batch, package)
    events = build_events(config, storage, batch, functions)
    door = build_front_door(config, network, functions)
    return tuple(
        dataclasses.replace(each, leaves=config.leave[each.address])
        if each.address in config.leave
        else each
        for each in in_order((functions.mapping, *events, *door))
    )


def in_order(resources: Sequence[Resource[Any]]) -> tuple[Resource[Any], ...]:
    """Return `resources` and all that they need, each once, dependencies first."""

    def walk(resource: Resource[Any]) -> Iterator[Resource[Any]]:
        for dependency in resource.dependencies:
            yield from walk(dependency)
        yield resource

    ordered = (each for resource in resources for each in walk(resource))
    return tuple({resource.address: resource for resource in ordered}.values())
