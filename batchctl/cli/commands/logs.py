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
from batchctl.contract.timestamps import timestamp
from batchctl.jobs.timestamps import iso
from batchctl.jobs.timestamps import since as since_of

if TYPE_CHECKING:
    from batchctl.application.logs import JobLogs
    from batchctl.jobs.logs.reader import Line


@click.command()
@job_or_last
@click.option("--item", help="Only the lines of this item.")
@click.option("--follow", is_flag=True, help="Print new lines until the job ends.")
@click.option("--since", metavar="TIME", help="Only later lines: `10m`, `2h`, or a date and time.")
@shared_options
def logs(*, job_id: str | None, item: str | None, follow: bool, since: str | None) -> None:
    """Print the logs of a job's tasks.

    Without JOB, prints those of the most recent job. Each line begins with the task and its
    attempt: `17.2` is the second attempt of task 17, after its host was reclaimed; `r2:17.1`
    belongs to the second attempt of the job, after a `retry`. With `--json`, each line is a JSON
    document.

    Images without batchctl's runner don't say which item a line belongs to: `--item` then prints
    the whole task of the item.

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
        say(f"the job continues: `batchctl logs {job_id} --follow`")
        raise


def _print(lines: Iterator[Line]) -> int:
    """Print lines as they come; return how many there were."""
    as_json, count = current_options().json, 0
    for count, line in enumerate(lines, start=1):  # noqa: B007 - used after the loop
        written_at = iso(line.written_at)
        if as_json:
            print_json_line(_as_json(line))
        else:
            again = f"r{line.run}:" if line.run > 1 else ""
            item = "" if line.item is None else f"[{line.item}] "
            say_log(f"{again}{line.task}.{line.attempt} {written_at} {item}{line.text}")
    return count


def _as_json(line: Line) -> dict[str, object]:
    return {
        "job_attempt": line.run,
        "task": line.task,
        "attempt": line.attempt,
        "written_at": timestamp(line.written_at / 1000),
        "item": line.item,
        "text": line.text,
    }


def _nothing(found: JobLogs) -> str:
    record = found.record
    if not record.batch_jobs:
        return f"no lines: {record.job_id} is {record.status}, it has not started yet"
    return (
        "no lines: no task has started, the tasks wrote nothing, or AWS Batch has deleted them "
        f"(after 7 days); `batchctl why {record.job_id}` shows more"
    )
