"""What a task was started for, from its arguments and its environment."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from batchctl.contract import table
from batchctl.contract.environment import Container
from batchctl.runner.job_table import Slice


@dataclass(frozen=True)
class Task:
    """What this container was started for.

    tries: calls of compute for an item. processes: items at a time. item_timeout_s: what an item
    may take, all its tries included; None: as long as it likes. attempt_s: when AWS Batch ends the
    container, in seconds from its start; None: unknown.
    """

    table: str
    slice: Slice
    number: int
    tries: int
    processes: int = 1
    item_timeout_s: int | None = None
    attempt_s: int | None = None


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
    number = given.first_task + given.array_index
    start = number * given.items_per_task
    if given.first_item is not None:
        start = given.first_item + given.array_index * given.items_per_task
    stop = start + given.items_per_task
    wanted = Slice(given.job_id, start, stop, given.run, given.items_per_chunk)
    return Task(
        given.table,
        wanted,
        number,
        given.tries,
        given.processes,
        given.item_timeout_s,
        given.attempt_s,
    )


@dataclass(frozen=True)
class Option:
    """An argument of the program and the environment variable that stands in for it.

    lowest: None for text, else the least number. default: what it is where it isn't given; None
    with `is_required` False: nothing. former: what the argument was called before.
    """

    name: str
    variable: str
    meaning: str
    lowest: int | None = None
    default: str | None = None
    former: str | None = None
    is_required: bool = True

    def add_to(self, parser: argparse.ArgumentParser, environment: Mapping[str, str]) -> None:
        """Add the argument, with the variable's value as its default."""
        value = environment.get(self.variable, self.default)
        names = (self.name, self.former) if self.former else (self.name,)
        parser.add_argument(
            *names,
            default=value,
            required=value is None and self.is_required,
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
    Option(
        "--first-item",
        Container.FIRST_ITEM,
        "item that the array's first child begins with; by default its task times the items of one",
        0,
        is_required=False,
    ),
    Option("--items-per-task", Container.ITEMS_PER_TASK, "items that each task works on", 1),
    Option(
        "--items-per-chunk",
        Container.ITEMS_PER_CHUNK,
        "items in each stored part of the universe",
        1,
        str(table.ITEMS_PER_CHUNK),
    ),
    Option("--array-index", Container.ARRAY_INDEX, "which child this is", 0, "0"),
    Option("--run", Container.RUN, "which run of the job this is", 1, "1", "--attempt"),
    Option("--tries", Container.TRIES, "calls of compute for an item in all", 1, "3", "--retries"),
    Option("--processes", Container.PROCESSES, "items that are computed at a time", 1, "1"),
    Option(
        "--item-timeout-s",
        Container.ITEM_TIMEOUT_S,
        "seconds that an item may take, all its tries included",
        1,
        is_required=False,
    ),
    Option(
        "--attempt-s",
        Container.ATTEMPT_S,
        "seconds after which AWS Batch ends the container",
        1,
        is_required=False,
    ),
)
