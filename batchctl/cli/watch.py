"""`batchctl watch`, and what `submit --wait` does after submitting: following a job to its end."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from batchctl.cli.job_view import as_json, spelled
from batchctl.cli.options import api_options, shared_options
from batchctl.cli.output import grid, people, print_json_line, say, text
from batchctl.contract.statuses import Status

if TYPE_CHECKING:
    from rich.console import RenderableType

    from batchctl.cli.application import Application
    from batchctl.jobs import Job, JobsClient
    from batchctl.jobs.watching import Failures, Pace

JOB_FAILED = 4
FAILURES_SHOWN = 10

Show = Callable[["Job"], None]


@click.command()
@click.argument("job_id")
@api_options
@shared_options
def watch(*, job_id: str) -> None:
    """Watch a job until it ends: counts, rate, time left, and failures as they come.

    Ctrl-C ends the watching, not the job. Exits with 4 when the job ended otherwise than SUCCEEDED.
    With `--json`, each change is one line of JSON on stdout.

    \b
    Examples:
      batchctl watch demo-1
      batchctl --local watch demo-1 --json
    """
    from batchctl.cli.client import open_jobs

    application, client = open_jobs()
    on_change = _print_change if application.options.json else None
    tell_end(application, follow(application, client, job_id, on_change))


def follow(
    application: Application, client: JobsClient, job_id: str, on_change: Show | None = None
) -> Job:
    """Show a job until it has ended and return it; on Ctrl-C say that the job goes on."""
    from batchctl.jobs.watching import Failures, Pace

    pace = Pace(time.monotonic)
    failures = Failures(lambda: client.results(job_id), time.monotonic, FAILURES_SHOWN)
    try:
        with _shown(pace, failures) as show:
            return client.wait(job_id, _each_change(show, on_change))
    except KeyboardInterrupt:
        say("")
        say(f"the job goes on: `{spelled(application)} watch {job_id}`")
        raise


def tell_end(application: Application, job: Job) -> None:
    """Say how a job ended, and exit with 4 unless it succeeded."""
    tasks, command = job.tasks, spelled(application)
    if job.status == Status.SUCCEEDED:
        say(f"{job.job_id} succeeded: `{command} results {job.job_id}`")
        return
    say(f"{job.job_id} ended as {job.status}: {tasks.failed} of {tasks.total} tasks failed")
    say(f"`{command} why {job.job_id}` says why, `{command} retry {job.job_id}` tries again")
    sys.exit(JOB_FAILED)


def _each_change(show: Show, on_change: Show | None) -> Show:
    last: tuple[object, ...] = ()

    def look(job: Job) -> None:
        nonlocal last
        show(job)
        now = (job.status, job.tasks)
        if on_change is not None and now != last:
            on_change(job)
        last = now

    return look


def _print_change(job: Job) -> None:
    print_json_line(as_json(job))


@contextmanager
def _shown(pace: Pace, failures: Failures) -> Iterator[Show]:
    """Show a bar that moves on a terminal, and elsewhere a line for each change."""
    console = people()
    if not console.is_terminal:
        yield _line_printer(pace, failures)
        return
    from rich.live import Live

    from batchctl.jobs.diagnosis.failures import failure_text

    current: list[Job] = []
    began = time.monotonic()

    def drawn() -> RenderableType:
        return _bar(current[-1], pace, time.monotonic() - began) if current else text("")

    with Live(get_renderable=drawn, console=console, transient=True) as live:

        def show(job: Job) -> None:
            pace.take(job)
            current[:] = [job]
            live.refresh()
            for result in failures.new(job):
                live.console.print(text(f"  failed {result.item}: {failure_text(result)}"))

        yield show


def _bar(job: Job, pace: Pace, elapsed_s: float) -> RenderableType:
    """Draw how a job stands in two lines, which 80 columns are wide enough for."""
    from rich.console import Group
    from rich.progress_bar import ProgressBar

    tasks = job.tasks
    first = grid()
    bar = ProgressBar(total=max(tasks.total, 1), completed=tasks.ended, width=24)
    counted = f"{tasks.ended}/{tasks.total} tasks"
    first.add_row(
        text(job.status),
        bar,
        *(text(each) for each in (counted, f"{tasks.running} running", f"{tasks.failed} failed")),
    )
    reclaims = f"{job.reclaims.count} reclaims" if job.reclaims else ""
    second = (f"{duration(elapsed_s)} watched", speed(job, pace), reclaims)
    return Group(first, text("  ".join(each for each in second if each), style="dim"))


def _line_printer(pace: Pace, failures: Failures) -> Show:
    from batchctl.jobs.diagnosis.failures import failure_text

    last = ""

    def show(job: Job) -> None:
        nonlocal last
        tasks = job.tasks
        pace.take(job)
        line = (
            f"{job.status}: {tasks.ended}/{tasks.total} tasks done, "
            f"{tasks.running} running, {tasks.failed} failed"
        )
        if line != last:
            rest = "" if job.ended else speed(job, pace)
            say(f"{line}, {rest}" if rest else line)
            last = line
        for result in failures.new(job):
            say(f"  failed {result.item}: {failure_text(result)}")

    return show


def speed(job: Job, pace: Pace) -> str:
    """Say how fast a job goes and how long it takes still; empty when nothing is known."""
    rate, left_s = pace.tasks_per_s, pace.left_s(job)
    if rate is None or left_s is None:
        return ""
    told = f"{rate:.1f} tasks/s" if rate >= 1 else f"{60 * rate:.1f} tasks/min"
    return f"{told}, {duration(left_s)} left"


def duration(seconds: float) -> str:
    """Write a duration for people: `42 s`, `3 min 20 s`, `2 h 05 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
