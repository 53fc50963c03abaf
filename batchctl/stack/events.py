"""How the ends of Batch jobs come to the tracker, and where they go when they don't."""

from __future__ import annotations

from typing import Any

from batchctl.config import Config
from batchctl.resource import Resource
from batchctl.resources.awslambda.async_invocations import AsyncInvocation
from batchctl.resources.awslambda.triggers import Permission
from batchctl.resources.events import EventRule
from batchctl.stack.compute import Batch
from batchctl.stack.functions import Functions
from batchctl.stack.storage import Storage, event_rule_name


def build_events(
    config: Config, storage: Storage, batch: Batch, functions: Functions
) -> tuple[Resource[Any], ...]:
    """Return the rule of Batch's events, its permission, and where failed events go."""
    rule = EventRule(
        label="job_events",
        name=event_rule_name(config),
        job_queues=batch.queues,
        function=functions.tracker,
        dead_letters=storage.events_dead_letters,
    )
    permission = Permission(
        label="tracker",
        name=functions.tracker.name,
        function=functions.tracker,
        principal_service="events",
        source=rule,
    )
    failed = AsyncInvocation(
        label="tracker",
        name=functions.tracker.name,
        function=functions.tracker,
        dead_letters=storage.events_dead_letters,
    )
    return (rule, permission, failed)
