"""The job that a command is about: the one that is named, or else the newest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from batchctl import application
from batchctl.application.target import Target
from batchctl.cli.output import say
from batchctl.errors import BatchctlError

if TYPE_CHECKING:
    from batchctl.jobs import JobsClient

Command = TypeVar("Command", bound=Callable[..., Any])


def job_or_last(command: Command) -> Command:
    """Add the argument JOB, which may be left out where a command changes nothing."""
    argument = click.argument(
        "job_id", required=False, metavar="[JOB]", shell_complete=complete_job
    )
    return argument(command)


def complete_job(context: click.Context, _: click.Parameter, typed: str) -> list[str]:
    """Return the ids of recent jobs that begin as typed; none where the API doesn't answer soon."""
    ids = application.recent_job_ids(_target(context))
    return [each for each in ids if each.startswith(typed)]


def _target(context: click.Context) -> Target:
    """Return the application that the words typed so far mean."""
    given: dict[str, Any] = {}
    for each in (context.find_root(), context):
        given |= {name: value for name, value in each.params.items() if value}
    config = given.get("config") or Path("config.yaml")
    return Target(config, bool(given.get("local")), given.get("profile"), given.get("region"))


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
