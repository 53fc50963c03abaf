"""What a person asks of a job after it was submitted, and what stands in the way of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from handlers.record import AS_CONFIGURED, JOB_ID, JobRecord, Overrides
from handlers.store.jobs import JobTable

SMALLEST_MEMORY_MIB = 4
"""AWS Batch API reference, ResourceRequirement: MEMORY is 4 MiB at least."""

LARGEST_MEMORY_MIB = 32 * 1024 * 1024
"""More than any machine has: what lies between is for Batch to judge."""


class RefusedError(Exception):
    """A command can't be carried out: a code as of HTTP (400, 404, 409), and why."""

    def __init__(self, code: int, error: str) -> None:
        """Keep what the answer says."""
        super().__init__(error)
        self.code = code
        self.error = error


@dataclass(frozen=True)
class Command:
    """A command as it was asked for; `overrides` are for another attempt alone."""

    action: str
    job_id: str
    overrides: Overrides = AS_CONFIGURED


def parse(event: Mapping[str, Any]) -> Command:
    """Read a command; raises RefusedError (400) when it isn't one."""
    action, job_id = event.get("action"), event.get("job_id")
    if action not in ("cancel", "retry"):
        raise RefusedError(400, "`action` must be `cancel` or `retry`")
    if not isinstance(job_id, str) or not JOB_ID.fullmatch(job_id):
        raise RefusedError(400, "`job_id` must be the id of a job")
    return Command(action, job_id, _overrides(event))


def _overrides(event: Mapping[str, Any]) -> Overrides:
    memory_mib, on_demand = event.get("memory_mib"), event.get("on_demand", False)
    if memory_mib is not None and not _is_memory(memory_mib):
        raise RefusedError(
            400, f"`memory_mib` must be a whole number from {SMALLEST_MEMORY_MIB} on"
        )
    if not isinstance(on_demand, bool):
        raise RefusedError(400, "`on_demand` must be true or false")
    return Overrides(memory_mib, on_demand)


def _is_memory(value: object) -> bool:
    # True and False are ints in Python.
    return type(value) is int and SMALLEST_MEMORY_MIB <= value <= LARGEST_MEMORY_MIB


def known_job(jobs: JobTable, job_id: str) -> JobRecord:
    """Read the record of a job that clients are shown; raises RefusedError (404) without one.

    And MalformedItemError where it can't be read.
    """
    job = jobs.shown(job_id)
    if job is None:
        raise RefusedError(404, f"no job `{job_id}`")
    return job
