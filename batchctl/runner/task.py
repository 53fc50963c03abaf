"""One AWS Batch task, which is a slice of a job's universe: from the arguments to the exit status.

Reads its items from the job table, calls `compute(item, parameters)` of compute.py for each without
a recorded success, and records every result or error at once. So a task that is stopped and run
again (a reclaimed Spot host, a retried job) redoes nothing but the item that was in hand.

Exit status: 0 all items of the slice have succeeded; 1 an item has failed, or the table can't be
used; 2 wrong arguments; 128 + the signal when stopped (SIGTERM: 143, SIGINT: 130).
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from batchctl.contract.environment import Container
from batchctl.contract.statuses import ItemStatus
from batchctl.contract.table import ITEMS_PER_CHUNK
from batchctl.runner.job_table import JobTable, JobTableError, Outcome, Slice, Work
from batchctl.runner.signals import Stopped, StopSignal
from batchctl.runner.tries import Tries, describe
from batchctl.runner.user_code import (
    BrokenComputeError,
    ComputeFunction,
    hidden_modules,
    load_compute,
)

if TYPE_CHECKING:  # the image has boto3, but not its stubs
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclasses.dataclass(frozen=True)
class Task:
    """What this container was started for; `tries` is how often compute is called for an item."""

    table: str
    slice: Slice
    tries: int


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the task that arguments and environment name; return the exit status."""
    stop = StopSignal()
    stop.install()  # before anything that takes time, as the import of boto3 does
    try:
        return run(parse(arguments, environment), stop)
    except Stopped as stopped:
        stop.ignore()
        log(stopped_by_signal=stopped.signal_number)
        return 128 + stopped.signal_number


def run(task: Task, stop: StopSignal) -> int:
    """Do what is left of the task; return 0 if its whole slice has succeeded now, else 1."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  # after the signals

    try:
        table = JobTable(dynamodb_client(), task.table)
        work = table.read(task.slice)
        log(job_id=task.slice.job_id, items=work.total, left=len(work.items))
        if work.malformed:
            log(skipped_malformed_results=work.malformed)
        return 0 if run_items(task, table, work, stop) else 1
    except (JobTableError, BotoCoreError, ClientError) as error:
        sys.stderr.write(f"could not run the task: {error}\n")
        return 1


def run_items(task: Task, table: JobTable, work: Work, stop: StopSignal) -> bool:
    """Compute and record every item that is left; return whether all of them have succeeded."""
    outcome_of = prepare(task, work, stop)
    failed = 0
    for item in work.items:
        outcome = outcome_of(item)
        recorded = table.record(work.results, item, outcome, work.expires_at)
        status = (
            outcome.status if recorded else ItemStatus.SUCCEEDED
        )  # it had succeeded elsewhere meanwhile
        log(
            item=item,
            status=status,
            attempts=outcome.tries,
            seconds=round(outcome.seconds, 3),
            recorded=recorded,
        )
        failed += status == ItemStatus.FAILED
    return failed == 0


def prepare(task: Task, work: Work, stop: StopSignal) -> Callable[[str], Outcome]:
    """Return what gives an item's outcome: a broken compute.py fails every item with its reason."""
    folder = os.getcwd()  # noqa: PTH109  # as it stands on the import path
    hidden = hidden_modules(folder)
    for reason in hidden.values():
        log(warning=reason)
    function = load(folder, stop, hidden)
    if isinstance(function, str):
        broken = Outcome(None, function, tries=0, seconds=0.0)
        return lambda _item: broken
    tries = Tries(task.tries, stop, hidden)
    return lambda item: tries.run(function, item, work.parameters)


def load(folder: str, stop: StopSignal, hidden: Mapping[str, str]) -> ComputeFunction | str:
    """Return the user's function, or why there is none."""
    try:
        function = load_compute(folder)
    except Stopped:
        raise
    except BrokenComputeError as error:
        stop.check()
        return str(error)
    except BaseException as error:  # noqa: BLE001  # SystemExit fails the items, too
        stop.check()
        traceback.print_exception(error, file=sys.stderr)
        return f"could not import compute.py: {describe(error, hidden)}"
    stop.check()
    return function


def parse(arguments: Sequence[str], environment: Mapping[str, str]) -> Task:
    """Return the task that is meant; an argument goes before its variable of the environment.

    Ends the program with status 2 and a usage message when one is missing or wrong.
    """
    parser = argparse.ArgumentParser(
        prog="batchctl.runner",
        description="Run one task of a batchctl job: a slice of its universe.",
    )
    for option in OPTIONS:
        option.add_to(parser, environment)
    given = parser.parse_args(arguments)
    first = int(environment.get(Container.FIRST_ITEM, given.first_task * given.items_per_task))
    start = first + given.array_index * given.items_per_task
    stop = start + given.items_per_task
    items_per_chunk = int(environment.get(Container.ITEMS_PER_CHUNK, ITEMS_PER_CHUNK))
    wanted = Slice(given.job_id, start, stop, given.run, items_per_chunk)
    return Task(given.table, wanted, given.tries)


@dataclasses.dataclass(frozen=True)
class Option:
    """An argument of the program and the environment variable that stands in for it.

    `former` is what the argument was called before.
    """

    name: str
    variable: str
    meaning: str
    lowest: int | None = None  # None: text, not a number
    default: str | None = None  # None: required
    former: str | None = None

    def add_to(self, parser: argparse.ArgumentParser, environment: Mapping[str, str]) -> None:
        """Add the argument, with the variable's value as its default."""
        value = environment.get(self.variable, self.default)
        names = (self.name, self.former) if self.former else (self.name,)
        parser.add_argument(
            *names,
            default=value,
            required=value is None,
            type=self.parse,
            metavar="TEXT" if self.lowest is None else "N",
            help=f"{self.meaning} (else ${self.variable})",
        )

    def parse(self, text: str) -> str | int:
        """Return the value that `text` stands for."""
        if self.lowest is None:
            return text
        if not text.isdecimal() or int(text) < self.lowest:
            raise argparse.ArgumentTypeError(
                f"must be a whole number, at least {self.lowest}, is `{text}`"
            )
        return int(text)


OPTIONS = (
    Option("--table", Container.TABLE, "name of the job table"),
    Option("--job-id", Container.JOB_ID, "the job"),
    Option("--first-task", Container.FIRST_TASK, "task of the array's first child", 0),
    Option("--items-per-task", Container.ITEMS_PER_TASK, "items that each task works on", 1),
    Option("--array-index", Container.ARRAY_INDEX, "which child this is", 0, "0"),
    Option("--run", Container.RUN, "which run of the job this is", 1, "1", "--attempt"),
    Option("--tries", Container.TRIES, "calls of compute for an item in all", 1, "3", "--retries"),
)


def dynamodb_client() -> DynamoDBClient:
    """Return a client that outlasts the throttling of thousands of tasks that start together."""
    import boto3  # noqa: PLC0415  # after the signals are taken, and not for --help
    from botocore.config import Config  # noqa: PLC0415  # as above

    return boto3.client(
        "dynamodb",
        config=Config(
            connect_timeout=5,
            read_timeout=10,
            retries={"mode": "standard", "total_max_attempts": 10},
        ),
    )


def log(**fields: Any) -> None:
    """Write a line of JSON to the job's log."""
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()
