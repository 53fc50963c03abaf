"""Where the jobs of an application live in AWS, read from the state: no name is built here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from batchctl.engine.state import State
from batchctl.errors import UsageError
from batchctl.jobs.resources import DeadLetters, JobResources

TABLE = "table.jobs"
LOG_GROUP = "log_group.compute"
TRACKER = "function.tracker"
QUEUE = "queue.jobs"
DEAD_LETTERS = "queue.dead_letters"
EVENT_DEAD_LETTERS = "queue.events_dead_letters"


class NotDeployed(UsageError):
    """The application that a command works on isn't deployed, or not in a cloud that runs."""

    code = "not_deployed"


@dataclass(frozen=True)
class Recorded:
    """A state, the path that errors name, and what couldn't be read where it was found in AWS."""

    state: State
    path: str
    failed: Mapping[str, BaseException] = field(default_factory=dict)

    def output(self, address: str, output: str) -> str:
        """Return an output of a resource; NotDeployed when it isn't recorded.

        Raises what AWS said where it couldn't be read.
        """
        value = self.state.outputs(address).get(output)
        if not value and address in self.failed:
            raise self.failed[address]
        if not value:
            raise NotDeployed(
                f"could not find `{address}`: `{self.path}` doesn't know it",
                hint="run `batchctl up` first: it makes what is missing",
            )
        return str(value)

    def arns(self, kind: str) -> Iterator[str]:
        """Yield the ARN of each resource of a kind."""
        for record in self.state.resources.values():
            if record.kind == kind and record.outputs:
                yield str(record.outputs["arn"])


def job_resources_of(recorded: Recorded) -> JobResources:
    """Return the names that commands about jobs need; UsageError before `up`."""
    return JobResources(
        table=recorded.output(TABLE, "id"),
        log_group=recorded.output(LOG_GROUP, "id"),
        tracker=tracker_of(recorded),
        job_queues=tuple(recorded.arns("job_queue")),
        compute_environments=tuple(recorded.arns("compute_environment")),
        job_definition=next(recorded.arns("job_definition"), None),
    )


def tracker_of(recorded: Recorded) -> str:
    """Return the name of the function that changes jobs; UsageError before `up`."""
    return recorded.output(TRACKER, "id")


def dead_letters_of(recorded: Recorded) -> tuple[DeadLetters, ...]:
    """Return the queues of failed messages that there are; UsageError before `up`."""
    jobs = DeadLetters(
        source="jobs",
        arn=recorded.output(DEAD_LETTERS, "arn"),
        url=recorded.output(DEAD_LETTERS, "url"),
        target=recorded.output(QUEUE, "url"),
        is_function=False,
    )
    events = recorded.state.outputs(EVENT_DEAD_LETTERS)
    if not events:
        return (jobs,)
    tracker = tracker_of(recorded)
    return (jobs, DeadLetters("events", events["arn"], events["url"], tracker, is_function=True))
