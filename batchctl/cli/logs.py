"""`batchctl logs`: what the tasks of a job wrote, across their attempts."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import click

from batchctl.cli.job_view import spelled
from batchctl.cli.options import current_options, shared_options
from batchctl.cli.output import print_json_line, say, say_log
from batchctl.contract.statuses import FINAL
from batchctl.errors import UsageError

if TYPE_CHECKING:
    from batchctl.aws.session import Aws
    from batchctl.cli.application import Application
    from batchctl.jobs.logs.reader import Line
    from batchctl.jobs.record import BatchJob, Record, Task
    from batchctl.jobs.resources import JobResources

SUBMITTED_WITHIN_POLL_S = 2.0


@click.command()
@click.argument("job_id")
@click.option("--item", help="Only the task that works on this item.")
@click.option("--follow", is_flag=True, help="Go on with new lines until the job has ended.")
@click.option("--since", metavar="TIME", help="Only later lines: `10m`, `2h`, or a date and time.")
@shared_options
def logs(*, job_id: str, item: str | None, follow: bool, since: str | None) -> None:
    """Print what the tasks of a job wrote, with the task and its attempt before each line.

    `17.2` is the second run of task 17's container: its host was reclaimed. `r2:17.1` is of the
    second attempt at the job, after a `retry`. With `--json`, each line is one line of JSON.

    \b
    Examples:
      batchctl logs demo-1
      batchctl logs demo-1 --item AAPL
      batchctl logs demo-1 --follow --since 10m
    """
    from batchctl.cli.application import open_recorded
    from batchctl.cli.job_places import job_resources_of
    from batchctl.jobs.record import read_record
    from batchctl.jobs.timestamps import since as since_of

    since_ms = since_of(since, time.time()) if since else None
    application = open_recorded(current_options())
    resources = job_resources_of(application)
    record = read_record(application.aws, resources.table, job_id)
    found = _Found(application.aws, resources, record, item)
    if follow and record.status not in FINAL:
        _print_until_the_end(application, found, since_ms)
    elif not _print(found.written(since_ms), as_json=application.options.json):
        say(_nothing(application, found))


@dataclasses.dataclass(frozen=True)
class _Found:
    """The job whose lines are wanted, all of them or those of the tasks of `item`."""

    aws: Aws
    resources: JobResources
    record: Record
    item: str | None

    def written(self, since_ms: int | None) -> Iterator[Line]:
        """Yield what was written so far, the attempts at the job in their order."""
        from batchctl.jobs.logs.attempts import describe
        from batchctl.jobs.logs.reader import LogReader
        from batchctl.jobs.record import earlier_batch_jobs

        batch_jobs = (*earlier_batch_jobs(self.aws, self.record), *self.record.batch_jobs)
        reader = LogReader(self.aws, self.resources.log_group)
        children = describe(self.aws, self._tasks(batch_jobs))
        yield from reader.read((each for child in children for each in child.attempts), since_ms)

    def written_from_now_on(
        self, since_ms: int | None, pause: Callable[[float], object]
    ) -> Iterator[Line]:
        """Yield what is written, until the tasks of the present attempt have ended."""
        from batchctl.jobs.logs.reader import LogReader
        from batchctl.jobs.logs.tail import Tail

        reader = LogReader(self.aws, self.resources.log_group)
        yield from Tail(reader, self._tasks(self.record.batch_jobs), since_ms).lines(pause)

    def _tasks(self, batch_jobs: Sequence[BatchJob]) -> Iterator[Task]:
        """Yield the tasks; raises UsageError when none of them has the item."""
        if self.item is None:
            yield from (task for batch_job in batch_jobs for task in batch_job.children)
            return
        runs = {batch_job.run for batch_job in batch_jobs}
        wanted = {run: self._task_of_item(run) for run in runs}
        if wanted and not any(number is not None for number in wanted.values()):
            raise UsageError(
                f"could not find item `{self.item}`: job `{self.record.job_id}` hasn't got it"
            )
        for batch_job in batch_jobs:
            number = wanted[batch_job.run]
            yield from (task for task in batch_job.children if task.number == number)

    def _task_of_item(self, run: int) -> int | None:
        from batchctl.jobs.record import task_of_item

        return task_of_item(self.aws, self.resources.table, self.record, run, self.item or "")


def _print_until_the_end(application: Application, found: _Found, since_ms: int | None) -> None:
    from batchctl.jobs.record import read_record

    job_id = found.record.job_id
    try:
        while not found.record.batch_jobs:
            application.aws.clock.pause(SUBMITTED_WITHIN_POLL_S)
            record = read_record(application.aws, found.resources.table, job_id)
            found = dataclasses.replace(found, record=record)
        lines = found.written_from_now_on(since_ms, application.aws.clock.pause)
        _print(lines, as_json=application.options.json)
    except KeyboardInterrupt:
        say("")
        say(f"the job goes on: `{spelled(application)} logs {job_id} --follow`")
        raise


def _print(lines: Iterator[Line], *, as_json: bool) -> int:
    """Print lines as they come; return how many there were."""
    from batchctl.jobs.timestamps import iso

    count = 0
    for count, line in enumerate(lines, start=1):  # noqa: B007 - used after the loop
        written_at = iso(line.written_at)
        if as_json:
            print_json_line(_as_json(line, written_at))
        else:
            again = f"r{line.run}:" if line.run > 1 else ""
            say_log(f"{again}{line.task}.{line.attempt} {written_at} {line.text}")
    return count


def _as_json(line: Line, written_at: str) -> dict[str, object]:
    return {
        "job_attempt": line.run,
        "task": line.task,
        "attempt": line.attempt,
        "written_at": written_at,
        "text": line.text,
    }


def _nothing(application: Application, found: _Found) -> str:
    record = found.record
    if not record.batch_jobs:
        return f"no lines: {record.job_id} is {record.status}, nothing of it was started yet"
    return (
        "no lines: no task has started, or they wrote nothing, or AWS Batch has forgotten them "
        f"(after 7 days); `{spelled(application)} why {record.job_id}` says more"
    )
