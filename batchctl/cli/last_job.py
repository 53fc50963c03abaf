"""The job that a command is about: the one that is named, or else the newest."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from batchctl.cli.output import say
from batchctl.errors import BatchctlError

if TYPE_CHECKING:
    from batchctl.jobs import JobsClient

Command = TypeVar("Command", bound=Callable[..., Any])


def job_or_last(command: Command) -> Command:
    """Add the argument JOB, which may be left out where a command changes nothing."""
    return click.argument("job_id", required=False, metavar="[JOB]")(command)


def chosen_job(job_id: str | None, client: JobsClient) -> str:
    """Return the id of a job: `job_id`, or without one that of the newest, which stderr names.

    BatchctlError when there is no job.
    """
    if job_id is not None:
        return job_id
    newest = client.list(limit=1).jobs
    if not newest:
        raise BatchctlError(
            "could not choose a job: there is none yet",
            hint="`batchctl submit --universe A,B` submits one",
        )
    say(f"the last job: {newest[0].job_id}")
    return newest[0].job_id
