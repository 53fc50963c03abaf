"""The requests that change a job: cancel, retry and delete, as events of a synchronous invocation.

They go to the function JobTracker and are no part of the HTTP API, which may be open to everyone:
who may invoke that function may change jobs. A refusal answers `{"error", "code"}`, with a code as
of HTTP (400, 404, 409).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from batchctl.contract.chunks import is_item
from batchctl.contract.limits import MAX_MEMORY_MIB, MIN_MEMORY_MIB, is_job_id

MAX_RETRIED_ITEMS = 1_000


class Action(StrEnum):
    """What is asked for."""

    CANCEL = "cancel"
    RETRY = "retry"
    DELETE = "delete"


@dataclass(frozen=True)
class Overrides:
    """What a run has that differs from the settings; `memory_mib` None is as they say."""

    memory_mib: int | None = None
    on_demand: bool = False


AS_CONFIGURED = Overrides()


class RefusedError(Exception):
    """A request can't be carried out: a code as of HTTP (400, 404, 409), and why."""

    def __init__(self, code: int, error: str) -> None:
        """Keep what the answer says."""
        super().__init__(error)
        self.code = code
        self.error = error

    def answer(self) -> dict[str, object]:
        """Return the answer that says so."""
        return {"error": self.error, "code": self.code}


@dataclass(frozen=True)
class Request:
    """A request as it was asked for; `overrides` and `items` are for another run alone.

    Without `items` it is of all that has no success.
    """

    action: Action
    job_id: str
    overrides: Overrides = AS_CONFIGURED
    items: tuple[str, ...] = ()

    def as_event(self) -> dict[str, object]:
        """Return the event that asks for it; `parse` reads it."""
        event: dict[str, object] = {"action": self.action.value, "job_id": self.job_id}
        if self.action is not Action.RETRY:
            return event
        memory_mib, on_demand = self.overrides.memory_mib, self.overrides.on_demand
        items = {"items": list(self.items)} if self.items else {}
        return event | {"memory_mib": memory_mib, "on_demand": on_demand, **items}


def parse(event: Mapping[str, Any]) -> Request:
    """Read a request; raises RefusedError (400) when it isn't one."""
    action, job_id = event.get("action"), event.get("job_id")
    if action not in tuple(Action):
        raise RefusedError(400, "`action` must be `cancel`, `retry` or `delete`")
    if not isinstance(job_id, str) or not is_job_id(job_id):
        raise RefusedError(400, "`job_id` must be the id of a job")
    return Request(Action(action), job_id, _overrides(event), _items(event))


def _items(event: Mapping[str, Any]) -> tuple[str, ...]:
    items = event.get("items", [])
    if (
        not isinstance(items, list)
        or len(items) > MAX_RETRIED_ITEMS
        or not all(map(is_item, items))
    ):
        raise RefusedError(400, f"`items` must be a list of up to {MAX_RETRIED_ITEMS} items")
    return tuple(dict.fromkeys(items))


def _overrides(event: Mapping[str, Any]) -> Overrides:
    memory_mib, on_demand = event.get("memory_mib"), event.get("on_demand", False)
    if memory_mib is not None and not _is_memory(memory_mib):
        raise RefusedError(400, f"`memory_mib` must be a whole number from {MIN_MEMORY_MIB} on")
    if not isinstance(on_demand, bool):
        raise RefusedError(400, "`on_demand` must be true or false")
    return Overrides(memory_mib, on_demand)


def _is_memory(value: object) -> bool:
    # True and False are ints in Python.
    return type(value) is int and MIN_MEMORY_MIB <= value <= MAX_MEMORY_MIB
