"""The commands for jobs: submit, jobs, show, results."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from batchctl.cli.options import api_options, shared_options
from batchctl.cli.output import data, print_json, say

if TYPE_CHECKING:
    from batchctl.cli.application import Application
    from batchctl.jobs import Job, JobsClient, Submitted

JOB_FAILED = 4
FAILURES_SHOWN = 10


@click.command()
@click.option("--job-id", required=True, help="A name of your own: letters, digits, `_` and `-`.")
@click.option("--universe", multiple=True, help="Items, with commas; may be given repeatedly.")
@click.option("--universe-file", metavar="F|-", help="File with one item a line; `-` is stdin.")
@click.option("--param", multiple=True, metavar="K=V", help="Parameter for compute(); V is JSON.")
@click.option("--wait", is_flag=True, help="Wait for the end; exit with 4 when the job failed.")
@api_options
@shared_options
def submit(
    *,
    job_id: str,
    universe: tuple[str, ...],
    universe_file: str | None,
    param: tuple[str, ...],
    wait: bool,
) -> None:
    """Submit a job. The same job again is no new job, but the same one as it stands.

    \b
    Examples:
      batchctl submit --job-id demo-1 --universe AAPL,MSFT --wait
      batchctl submit --job-id demo-2 --universe-file symbols.txt --param paths=20000
      sort -u symbols.txt | batchctl submit --job-id demo-3 --universe-file -
    """
    from batchctl.jobs.parameters import from_options as parameters_of
    from batchctl.jobs.universe import from_options as universe_of

    items = universe_of(universe, universe_file, sys.stdin.buffer)
    parameters = parameters_of(param)
    application, client = _open()
    submitted = client.submit(job_id, items, parameters)
    _tell_submitted(application, submitted)
    if wait:
        _wait(application, client, job_id)
    elif application.options.json:
        print_json(dataclasses.asdict(submitted))


def _tell_submitted(application: Application, submitted: Submitted) -> None:
    if submitted.created:
        say(f"submitted {submitted.job_id}: {submitted.tasks} tasks")
    else:
        say(f"{submitted.job_id} was submitted before: it is {submitted.status}")
    say(f"see it with `{_command(application)} show {submitted.job_id}`")


def _wait(application: Application, client: JobsClient, job_id: str) -> None:
    try:
        with _progress_bar() as on_progress:
            job = client.wait(job_id, on_progress)
    except KeyboardInterrupt:
        say(f"\nthe job goes on: `{_command(application)} show {job_id}`")
        raise
    if application.options.json:
        print_json(_job_as_json(job))
    if job.status == "SUCCEEDED":
        say(f"{job_id} succeeded: `{_command(application)} results {job_id}`")
        return
    say(f"{job_id} ended as {job.status}: {job.tasks.failed} of {job.tasks.total} tasks failed")
    for number, result in enumerate(each for each in client.results(job_id) if each.error):
        if number == FAILURES_SHOWN:
            say(f"  … and more: `{_command(application)} results {job_id}`")
            break
        say(f"  {result.item}: {result.error}")
    sys.exit(JOB_FAILED)


@contextmanager
def _progress_bar() -> Iterator[Callable[[Job], None]]:
    """Show a bar on a terminal, a line for each change elsewhere."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from batchctl.cli.output import people

    console = people()
    if not console.is_terminal:
        yield _line_printer()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rest]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("waiting", total=None, rest="")

        def show_bar(job: Job) -> None:
            bar.update(
                task,
                description=job.status,
                total=job.tasks.total,
                completed=job.tasks.ended,
                rest=f"{job.tasks.running} running, {job.tasks.failed} failed",
            )

        yield show_bar


def _line_printer() -> Callable[[Job], None]:
    last = ""

    def show_line(job: Job) -> None:
        nonlocal last
        tasks = job.tasks
        line = (
            f"{job.status}: {tasks.ended}/{tasks.total} tasks done, "
            f"{tasks.running} running, {tasks.failed} failed"
        )
        if line != last:
            say(line)
            last = line

    return show_line


@click.command()
@click.option(
    "--limit",
    type=click.IntRange(1, 100),
    default=20,
    show_default=True,
    help="How many jobs.",
)
@api_options
@shared_options
def jobs(*, limit: int) -> None:
    """List recent jobs, newest first.

    \b
    Examples:
      batchctl jobs
      batchctl jobs --limit 100 --json
    """
    from rich.table import Table

    application, client = _open()
    page = client.list(limit=limit)
    if application.options.json:
        print_json([_plain(dataclasses.asdict(job)) for job in page.jobs])
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("job", "status", "items", "tasks", "created", "finished"):
        table.add_column(heading)
    for job in page.jobs:
        finished = _time(job.finished_at)
        created = _time(job.created_at)
        table.add_row(job.job_id, job.status, str(job.items), str(job.tasks), created, finished)
    data().print(table)


@click.command()
@click.argument("job_id")
@api_options
@shared_options
def show(*, job_id: str) -> None:
    """Show a job: its status and the counts of its tasks.

    \b
    Examples:
      batchctl show demo-1
      batchctl --local show demo-1 --json
    """
    application, client = _open()
    job = client.show(job_id, limit=1)
    if application.options.json:
        print_json(_job_as_json(job))
        return
    tasks = job.tasks
    click.echo(f"job:      {job.job_id}")
    click.echo(f"status:   {job.status}")
    click.echo(f"created:  {_time(job.created_at)}")
    if job.finished_at:
        click.echo(f"finished: {_time(job.finished_at)}")
    click.echo(f"items:    {job.items}")
    click.echo(
        f"tasks:    {tasks.total}: {tasks.pending} pending, {tasks.running} running, "
        f"{tasks.succeeded} succeeded, {tasks.failed} failed"
    )
    say(f"\nresults: `{_command(application)} results {job_id}`")


@click.command()
@click.argument("job_id")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json"]),
    help="How to print them.  [default: table]",
)
@api_options
@shared_options
def results(*, job_id: str, form: str | None) -> None:
    """Print the results of a job, as far as there are any.

    CSV and JSON are written page by page, however many results there are.

    \b
    Examples:
      batchctl results demo-1
      batchctl results demo-1 --format csv > demo-1.csv
    """
    from batchctl.jobs import tables

    application, client = _open()
    found = client.results(job_id)
    form = form or ("json" if application.options.json else "table")
    if form == "table":
        _print_table(tables.table(found))
    elif form == "csv":
        tables.write_csv(found, sys.stdout)
    else:
        tables.write_json(found, sys.stdout)


def _print_table(found: Any) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    # A column that is empty in every row says nothing.
    shown = [i for i, _ in enumerate(found.columns) if any(row[i] for row in found.rows)]
    for index in shown:
        table.add_column(found.columns[index], overflow="fold")
    for row in found.rows:
        table.add_row(*(Text(row[index]) for index in shown))
    data().print(table)


def _open() -> tuple[Application, JobsClient]:
    from batchctl.cli.client import open_jobs

    return open_jobs()


def _command(application: Application) -> str:
    return "batchctl --local" if application.options.local else "batchctl"


def _job_as_json(job: Job) -> dict[str, Any]:
    """Return a job as the API spells it, without its results."""
    plain = _plain(dataclasses.asdict(job))
    return {key: value for key, value in plain.items() if key not in {"results", "next"}}


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value.isoformat() if hasattr(value, "isoformat") else value
        for key, value in values.items()
    }


def _time(moment: Any) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S") if moment else ""
