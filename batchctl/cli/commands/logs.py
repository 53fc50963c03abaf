"""`batchctl logs`: what the tasks of a job wrote, across their attempts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from batchctl.cli.last_job import chosen_job, job_or_last
from batchctl.cli.opening import open_recorded
from batchctl.cli.options import current_options, shared_options
from batchctl.cli.output import print_json_line, say, say_log
from batchctl.jobs.timestamps import iso
from batchctl.jobs.timestamps import since as since_of

if TYPE_CHECKING:
    from batchctl.application.logs import JobLogs
    from batchctl.jobs.logs.reader import Line


@click.command()
@job_or_last
@click.option("--item", help="Only what this item wrote, and how it ended.")
@click.option("--follow", is_flag=True, help="Go on with new lines until the job has ended.")
@click.option("--since", metavar="TIME", help="Only later lines: `10m`, `2h`, or a date and time.")
@shared_options
def logs(*, job_id: str | None, item: str | None, follow: bool, since: str | None) -> None:
    """Print what the tasks of a job wrote: the task and its attempt, the time, the item.

    Without JOB, of the last one. `17.2` is the second run of task 17's container: its host was
    reclaimed. `r2:17.1` is of the second attempt at the job, after a `retry`. With `--json`, each
    line is one line of JSON.

    An image without batchctl's runner doesn't say which item a line is of: `--item` then prints
    the task of the item.

    \b
    Examples:
      batchctl logs
      batchctl logs demo-1
      batchctl logs demo-1 --item AAPL
      batchctl logs demo-1 --follow --since 10m
    """
    since_ms = since_of(since, time.time()) if since else None
    application = open_recorded()
    found = application.logs(job_id or chosen_job(None, application.jobs()), item)
    if follow and not found.ended:
        _print_until_the_end(found, since_ms)
    elif not _print(found.written(since_ms)):
        say(_nothing(found))


def _print_until_the_end(found: JobLogs, since_ms: int | None) -> None:
    try:
        _print(found.follow(since_ms))
    except KeyboardInterrupt:
        job_id = found.record.job_id
        say("")
        say(f"the job goes on: `batchctl logs {job_id} --follow`")
        raise


def _print(lines: Iterator[Line]) -> int:
    """Print lines as they come; return how many there were."""
    as_json, count = current_options().json, 0
    for count, line in enumerate(lines, start=1):  # noqa: B007 - used after the loop
        written_at = iso(line.written_at)
        if as_json:
            print_json_line(_as_json(line, written_at))
        else:
            again = f"r{line.run}:" if line.run > 1 else ""
            item = "" if line.item is None else f"[{line.item}] "
            say_log(f"{again}{line.task}.{line.attempt} {written_at} {item}{line.text}")
    return count


def _as_json(line: Line, written_at: str) -> dict[str, object]:
    return {
        "job_attempt": line.run,
        "task": line.task,
        "attempt": line.attempt,
        "written_at": written_at,
        "item": line.item,
        "text": line.text,
    }


def _nothing(found: JobLogs) -> str:
    record = found.record
    if not record.batch_jobs:
        return f"no lines: {record.job_id} is {record.status}, nothing of it was started yet"
    return (
        "no lines: no task has started, or they wrote nothing, or AWS Batch has forgotten them "
        f"(after 7 days); `batchctl why {record.job_id}` says more"
    )
