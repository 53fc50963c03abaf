"""Where the jobs of an application live in AWS, read from the state: no name is built here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from batchctl.errors import UsageError
from batchctl.jobs.resources import DeadLetters, JobResources

if TYPE_CHECKING:
    from batchctl.application.application import Application
    from batchctl.engine.state import State

TABLE = "table.jobs"
LOG_GROUP = "log_group.compute"
TRACKER = "function.tracker"
QUEUE = "queue.jobs"
DEAD_LETTERS = "queue.dead_letters"
EVENT_DEAD_LETTERS = "queue.events_dead_letters"


def job_resources_of(application: Application) -> JobResources:
    """Return the names that commands about jobs need; UsageError before `up`."""
    return JobResources(
        table=_recorded(application, TABLE, "id"),
        log_group=_recorded(application, LOG_GROUP, "id"),
        tracker=tracker_of(application),
        job_queues=tuple(_arns(application.state.state, "job_queue")),
        compute_environments=tuple(_arns(application.state.state, "compute_environment")),
    )


def tracker_of(application: Application) -> str:
    """Return the name of the function that changes jobs; UsageError before `up`."""
    return _recorded(application, TRACKER, "id")


def dead_letters_of(application: Application) -> tuple[DeadLetters, ...]:
    """Return the queues of failed messages that there are; UsageError before `up`."""
    state = application.state.state
    jobs = DeadLetters(
        source="jobs",
        arn=_recorded(application, DEAD_LETTERS, "arn"),
        url=_recorded(application, DEAD_LETTERS, "url"),
        target=_recorded(application, QUEUE, "url"),
        is_function=False,
    )
    events = state.outputs(EVENT_DEAD_LETTERS)
    if not events:
        return (jobs,)
    tracker = tracker_of(application)
    return (jobs, DeadLetters("events", events["arn"], events["url"], tracker, is_function=True))


def _recorded(application: Application, address: str, output: str) -> str:
    value = application.state.state.outputs(address).get(output)
    if not value:
        raise UsageError(
            f"could not find `{address}`: `{application.state_path}` doesn't know it",
            hint="run `batchctl up` first: it makes what is missing",
        )
    return str(value)


def _arns(state: State, kind: str) -> Iterator[str]:
    for record in state.resources.values():
        if record.kind == kind and record.outputs:
            yield str(record.outputs["arn"])
