"""A job on its way to its end: a bar that moves on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from batchctl.cli.output import can_redraw, grid, live, people, say, text, width_of_stdout
from batchctl.contract.statuses import Status
from batchctl.jobs.diagnosis.failures import failure_text
from batchctl.jobs.watching import Failures, Pace, Standing

if TYPE_CHECKING:
    from rich.console import RenderableType

    from batchctl.application import Application
    from batchctl.jobs import Job, JobsClient

JOB_FAILED = 4
FAILURES_SHOWN = 10
SILENCE_S, SILENCE_EVERY_S = 5.0, 30.0
"""Shorter silences are not worth a line, and long ones not many."""

Show = Callable[["Job"], None]
Notes = Callable[["Job"], Iterable[str]]


def follow(
    application: Application,
    client: JobsClient,
    job_id: str,
    on_change: Show | None = None,
    write: Callable[[str], None] = say,
) -> Job:
    """Show a job until it has ended and return it; on Ctrl-C say that the job goes on.

    Without a terminal each change is written as a line: by `show` where that was asked for.
    """
    pace = Pace(time.monotonic)
    failures = Failures(lambda: client.results(job_id), time.monotonic, FAILURES_SHOWN)
    standing = Standing(lambda: application.turns(job_id), time.monotonic)
    try:
        with _shown(pace, _notes(failures, standing), write) as show:
            return client.wait(job_id, _each_change(show, on_change), on_retry=retry_printer())
    except KeyboardInterrupt:
        say("")
        say(f"the job continues: `batchctl watch {job_id}`")
        raise


def retry_printer() -> Callable[[str, float], None]:
    """Return what says, after some seconds and then now and then, that the API is away."""
    last_s = -SILENCE_EVERY_S

    def print_retry(cause: str, passed_s: float) -> None:
        nonlocal last_s
        if passed_s < last_s:  # another silence
            last_s = -SILENCE_EVERY_S
        if passed_s >= SILENCE_S and passed_s >= last_s + SILENCE_EVERY_S:
            last_s = passed_s
            say(f"no answer for {duration(passed_s)} ({cause}): trying again; the job continues")

    return print_retry


def print_end(job: Job) -> None:
    """Say how a job ended, and exit with 4 unless it succeeded."""
    counts = job.progress
    if job.status == Status.SUCCEEDED:
        say(f"{job.job_id} succeeded: `batchctl results {job.job_id}`")
        return
    why = f" ({job.reason})" if job.reason else ""
    say(
        f"{job.job_id} ended as {job.status}{why}: {counts.failed} of {counts.total} "
        f"{job.counted} failed"
    )
    say(
        f"`batchctl why {job.job_id}` explains it, `batchctl retry {job.job_id}` runs the failed "
        "items again"
    )
    sys.exit(JOB_FAILED)


def _each_change(show: Show, on_change: Show | None) -> Show:
    last: tuple[object, ...] = ()

    def poll(job: Job) -> None:
        nonlocal last
        show(job)
        now = (job.status, job.tasks, job.item_counts)
        if on_change is not None and now != last:
            on_change(job)
        last = now

    return poll


def _notes(failures: Failures, standing: Standing) -> Notes:
    """Return what tells at each look what is new beside the counts."""

    def notes(job: Job) -> Iterator[str]:
        if line := standing.note(job):
            yield f"  {line}"
        for result in failures.new(job):
            yield f"  failed {result.item}: {failure_text(result)}"

    return notes


@contextmanager
def _shown(pace: Pace, notes: Notes, write: Callable[[str], None]) -> Iterator[Show]:
    """Show a bar that moves on a terminal, and elsewhere a line for each change."""
    in_a_pipe = write is not say and width_of_stdout() is None
    if in_a_pipe or not can_redraw():
        yield _line_printer(pace, notes, write)
        return
    console = people()
    current: list[Job] = []
    began = time.monotonic()

    def drawn() -> RenderableType:
        return _bar(current[-1], pace, time.monotonic() - began) if current else text("")

    with live(drawn, console) as shown:

        def show(job: Job) -> None:
            pace.take(job)
            current[:] = [job]
            shown.refresh()
            for line in notes(job):
                console.print(text(line))

        yield show


def _bar(job: Job, pace: Pace, elapsed_s: float) -> RenderableType:
    """Draw how a job stands in two lines, which 80 columns are wide enough for."""
    from rich.console import Group  # noqa: PLC0415 - slow, and only a terminal needs it
    from rich.progress_bar import ProgressBar  # noqa: PLC0415

    counts = job.progress
    first = grid()
    bar = ProgressBar(
        total=max(counts.total, 1),
        completed=counts.ended,
        width=24,
        # Colours that every theme draws readably; rich's own become dark grey where there are 16.
        style="default",
        complete_style="green",
        finished_style="green",
    )
    counted = f"{counts.ended}/{counts.total} {job.counted}"
    first.add_row(
        text(job.status),
        bar,
        *(text(each) for each in (counted, f"{counts.running} running", f"{counts.failed} failed")),
    )
    reclaims = f"{job.reclaims.count} reclaims" if job.reclaims else ""
    second = (f"{duration(elapsed_s)} watched", speed(job, pace), reclaims)
    return Group(first, text("  ".join(each for each in second if each)))


def _line_printer(pace: Pace, notes: Notes, write: Callable[[str], None]) -> Show:
    last = ""

    def show(job: Job) -> None:
        nonlocal last
        counts = job.progress
        pace.take(job)
        line = (
            f"{job.status}: {counts.ended}/{counts.total} {job.counted} done, "
            f"{counts.running} running, {counts.failed} failed"
        )
        if line != last:
            rest = "" if job.ended else speed(job, pace)
            write(f"{line}, {rest}" if rest else line)
            last = line
        for line in notes(job):
            write(line)

    return show


def speed(job: Job, pace: Pace) -> str:
    """Say how fast a job goes and how long it takes still; empty when nothing is known."""
    rate, left_s = pace.per_s, pace.left_s(job)
    if rate is None or left_s is None:
        return ""
    what = job.counted
    rate_text = f"{rate:.1f} {what}/s" if rate >= 1 else f"{60 * rate:.1f} {what}/min"
    return f"{rate_text}, {duration(left_s)} left"


def duration(seconds: float) -> str:
    """Write a duration for people: `42 s`, `3 min 20 s`, `2 h 05 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
