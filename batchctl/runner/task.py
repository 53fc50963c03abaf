"""One AWS Batch task, which is a slice of a job's universe: from the arguments to the exit status.

Reads its items from the job table, has `compute(item, parameters)` of compute.py called for each
without a recorded success, each in a process of its own, and records every result or error at once.
So a task that is stopped and run again (a reclaimed Spot host, a retried job) redoes nothing but
what was in hand.

Exit status: 0 all items of the slice have succeeded; 1 one has not; 2 wrong arguments; 3 the job
table can't be used; 128 + the signal when stopped (SIGTERM: 143, SIGINT: 130).
"""

from __future__ import annotations

import functools
import gc
import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from batchctl.contract.environment import RunnerExit
from batchctl.contract.progress import ProgressRecord
from batchctl.contract.slices import TABLE_S
from batchctl.runner import kernel
from batchctl.runner.channel import pair
from batchctl.runner.job_table import JobTable, JobTableError, Outcome, Work
from batchctl.runner.log import Log
from batchctl.runner.memory_events import memory_kills
from batchctl.runner.options import Task, parse
from batchctl.runner.patience import GaveUp, Patience
from batchctl.runner.progress import Progress
from batchctl.runner.recording import Recorder
from batchctl.runner.shipped_code import CodeError, fetch, unpack
from batchctl.runner.signals import Stopped, StopSignal
from batchctl.runner.supervisor import Supervisor, Surroundings
from batchctl.runner.template import Template, fork_template

if TYPE_CHECKING:  # the image has boto3, but not its stubs
    from botocore.session import Session
    from mypy_boto3_dynamodb import DynamoDBClient

START_PATIENCE_S = TABLE_S / 2
"""How long a task waits for a table that is throttled or away when it starts."""

LAST_WORD_S = 60.0
"""So long before AWS Batch ends the container it gives up, and says so: Batch's words would blame
the items."""

LONGEST_ATTEMPT_S = 24 * 3600.0
"""Where nobody says when AWS Batch ends the container."""

CONNECTIONS = 32


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the task that arguments and environment name; return the exit status."""
    began = time.monotonic()
    if not hasattr(os, "fork"):
        sys.stderr.write("batchctl.runner needs Linux or macOS: it forks a process for each item\n")
        return RunnerExit.USAGE
    stop = StopSignal()
    stop.install()  # before anything that takes time, as the import of boto3 does
    log = Log()
    task = parse(arguments, environment)
    tmpdir = make_tmpdir()
    try:
        return run(task, environment, began, log, stop)
    except Stopped:
        return stopped(log, stop)
    finally:
        kernel.kill_descendants()
        log.close()
        if tmpdir is not None:
            shutil.rmtree(tmpdir, ignore_errors=True)


def run(
    task: Task, environment: Mapping[str, str], began: float, log: Log, stop: StopSignal
) -> int:
    """Do what is left of the task; return the exit status."""
    kernel.adopt_orphans()
    output, template = start_template(log)
    try:
        table = JobTable(dynamodb_client(), task.table)
        work = read(table, task, began)
        try:
            code = code_of(work, table, start_by(task, began))
        except CodeError as error:
            return refuse(work, str(error), table, task, start_by(task, began))
    except (GaveUp, JobTableError) as error:
        log.line(error=f"could not run the task: {error}", table=task.table)
        sys.stderr.write(f"could not run the task: {error}\n")
        return RunnerExit.TABLE
    log.line(job_id=task.slice.job_id, items=work.total, left=len(work.items))
    if work.malformed:
        log.line(skipped_malformed_results=work.malformed)
    stop.defer()
    around = Surroundings(log, stop, memory_kills(environment), template, output, code)
    supervisor = supervised(task, work, table, around, began)
    has_succeeded = supervisor.run()
    if stop.received is not None and not has_succeeded:
        return stopped(log, stop)
    if supervisor.gave_up:
        log.line(error="the job table took no more results", table=task.table)
        return RunnerExit.TABLE
    return RunnerExit.ALL_SUCCEEDED if has_succeeded else RunnerExit.SOME_FAILED


def stopped(log: Log, stop: StopSignal) -> int:
    """Return the exit status of a task that a signal has ended."""
    stop.ignore()
    log.line(stopped_by_signal=stop.received)
    return 128 + (stop.received or 0)


def make_tmpdir() -> str | None:
    """Make a folder for the task's temporary files, the TMPDIR of all that is forked from here.

    None where none can be made: then they lie where they always do.
    """
    path = os.path.join(os.environ.get("TMPDIR") or "/tmp", f"task-{os.getpid()}")  # noqa: PTH118, S108
    try:
        os.mkdir(path, 0o700)  # noqa: PTH102
    except OSError:
        return None
    os.environ["TMPDIR"] = path
    return path


def start_template(log: Log) -> tuple[int, Template]:
    """Start to load the user's code, in a process of its own, and return what it prints to."""
    output, end = os.pipe()
    ours, others = pair()
    folder = os.getcwd()  # noqa: PTH109  # as it stands on the import path
    pid = fork_template(others, end, folder, (log.fileno(), output, ours.fileno()))
    others.close()
    os.close(end)
    return output, Template(pid, ours)


def read(table: JobTable, task: Task, began: float, patience: Patience | None = None) -> Work:
    """Return the task's work, as soon as the table gives it; raises GaveUp and JobTableError.

    `began` is when the container's attempt did.
    """
    until = start_by(task, began)
    return (patience or Patience()).call(lambda: table.read(task.slice), lambda: until)


def start_by(task: Task, began: float) -> float:
    """Return until when the table is waited for before the first item."""
    return began + min(START_PATIENCE_S, attempt_s(task) - LAST_WORD_S)


def attempt_s(task: Task) -> float:
    """Return after how many seconds AWS Batch ends the container."""
    return task.attempt_s or LONGEST_ATTEMPT_S


def code_of(work: Work, table: JobTable, until: float) -> str | None:
    """Return the folder of the code that the job brings along; None where the image's is used.

    Raises GaveUp, and CodeError where there is no such code.
    """
    if work.code is None or not work.items:
        return None
    return unpack(Patience().call(lambda: fetch(table, work.code), lambda: until))


def refuse(work: Work, why: str, table: JobTable, task: Task, until: float) -> int:
    """Record that no item can be computed; return the exit status."""
    for item in work.items:
        outcome = Outcome(None, why, 0, 0.0)
        record = partial(table.record, task.slice.job_id, item, outcome, work.expires_at)
        Patience().call(record, lambda: until)
    return RunnerExit.SOME_FAILED


def supervised(
    task: Task, work: Work, table: JobTable, around: Surroundings, began: float
) -> Supervisor:
    """Return what does a task's work and records it in a table."""
    job_id = task.slice.job_id
    at_once = max(1, min(task.processes, len(work.items)))

    def write_progress(cells: bytes) -> None:
        record = ProgressRecord(task.slice.run, task.number, cells, at_once)
        table.record_progress(job_id, record, work.expires_at)

    progress = Progress(
        write_progress,
        lambda error: around.log.line(warning=f"could not record the task's progress: {error}"),
        around.clock(),
    )
    deadline = began + attempt_s(task)

    def recorder(done: Callable[..., None]) -> Recorder:
        return Recorder(
            lambda item, outcome: table.record(job_id, item, outcome, work.expires_at),
            done,
            deadline,
            around.clock,
        )

    return Supervisor(task, work, around, progress, recorder)


@functools.cache
def botocore_session() -> Session:
    """Return the session of this program, which keeps what it has read of AWS's services.

    The local cloud's fork server makes it, and a client, before it forks any task.
    """
    import botocore.session  # noqa: PLC0415  # beside the user's import, and not for --help

    return botocore.session.get_session()


def dynamodb_client() -> DynamoDBClient:
    """Return a client; what goes beyond a few repetitions is Patience's.

    Made while nothing is collected: a third of the time otherwise goes into looking for garbage.
    """
    gc.disable()
    try:
        from botocore.config import Config  # noqa: PLC0415  # as above

        config: Any = Config(
            connect_timeout=5,
            read_timeout=10,
            retries={"mode": "standard", "total_max_attempts": 3},
            max_pool_connections=CONNECTIONS,
        )
        client = botocore_session().create_client("dynamodb", config=config)
        return cast("DynamoDBClient", client)
    finally:
        gc.enable()
        gc.freeze()
