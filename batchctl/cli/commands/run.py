"""`batchctl run`: one item, here."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from batchctl import application
from batchctl.cli.options import current_options, shared_options
from batchctl.cli.output import print_json, say, say_lines
from batchctl.cli.universe import UniverseOptions, file_options, own_parameters
from batchctl.contract.statuses import ItemStatus
from batchctl.jobs.parameters import from_options as parameters_of

if TYPE_CHECKING:
    from batchctl.application import SingleRun

FAILED = 1


@click.command()
@click.argument("item")
@click.option("--param", multiple=True, metavar="K=V", help="Parameter for compute(); V is JSON.")
@file_options
@shared_options
def run(*, item: str, param: tuple[str, ...], universe: UniverseOptions) -> None:
    """Run compute() on one item on this machine and print the result as JSON.

    Nothing is deployed and no cloud is used, not even the local one. Your code is called exactly as
    a task calls it (setup, parameters, `compute.environment`, the limits of results and the time
    limit), but once: a task tries again when compute() raises. What it prints goes to stderr, and
    `breakpoint()` opens the debugger. With a file, the item has the parameters of its own that the
    file gives it.

    Exits with 1 when compute() fails. With `--json`, stdout has the outcome: the status, the result
    or the error, the time and the memory used.

    \b
    Examples:
      batchctl run AAPL
      batchctl run AAPL --param paths=20000 --json
      batchctl run AAPL --universe-file rows.csv
    """
    own = own_parameters(item, universe) if universe.file is not None else {}
    outcome = application.run_item(current_options().target, item, parameters_of(param), own)
    if current_options().json:
        print_json(_as_json(outcome))
    elif outcome.succeeded:
        print_json(outcome.result)
    _note(outcome)
    if not outcome.succeeded:
        _print_failure(outcome)
        sys.exit(FAILED)


def _as_json(outcome: SingleRun) -> dict[str, object]:
    ended = {"result": outcome.result}
    if not outcome.succeeded:
        ended = {"error": outcome.error, "reason": outcome.reason}
    return {
        "item": outcome.item,
        "status": str(ItemStatus.SUCCEEDED if outcome.succeeded else ItemStatus.FAILED),
        **ended,
        "seconds": outcome.seconds,
        "peak_memory_mib": outcome.peak_memory_mib,
    }


def _note(outcome: SingleRun) -> None:
    if outcome.over_memory_mib is not None:
        say(
            f"WARNING: it used {outcome.peak_memory_mib:.0f} MiB: with `compute.memory_mib: "
            f"{outcome.over_memory_mib}` its task is killed"
        )


def _print_failure(outcome: SingleRun) -> None:
    say_lines(f"error: item `{outcome.item}` failed: {outcome.error}")
    if outcome.hint:
        say("")
        say(f"hint: {outcome.hint}")
