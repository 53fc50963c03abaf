"""The commands for the local cloud: start, stop, status, env, interrupt."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import click

from batchctl.cli.lazy import LazyGroup
from batchctl.cli.local_environment import shell_lines, variables
from batchctl.cli.opening import open_application
from batchctl.cli.options import current_options, shared_options
from batchctl.cli.output import print_json, say, show
from batchctl.contract.timestamps import timestamp
from batchctl.errors import BatchctlError
from batchctl.local.control import interruption, process
from batchctl.local.control.record import CloudRecord


@click.group(cls=LazyGroup)
@shared_options
def local() -> None:
    """Manage the local cloud that `--local` uses: AWS on this machine.

    No AWS account or Docker is needed. It listens on 127.0.0.1 only, every call must be signed, and
    `--local` starts it when needed.

    \b
    Examples:
      batchctl local start
      batchctl local status
      eval "$(batchctl local env)"
      batchctl local interrupt --rate 0.3
      batchctl local stop
    """


@local.command()
@shared_options
def start() -> None:
    """Start the local cloud, unless it is running.

    \b
    Example:
      batchctl local start
    """
    running = process.start(open_application().local_settings(), say)
    _print_running(running)


@local.command()
@shared_options
def stop() -> None:
    """Stop the local cloud with everything in it; what it held is forgotten.

    \b
    Example:
      batchctl local stop
    """
    stopped = process.stop(_folder())
    say("stopped the local cloud" if stopped else "the local cloud was not running")


@local.command()
@shared_options
def status() -> None:
    """Show whether the local cloud is running, and where.

    \b
    Example:
      batchctl local status --json
    """
    running = process.status(_folder())
    if running is None and not current_options().json:
        show("the local cloud is not running: `batchctl local start`")
        return
    _print_running(running)


@local.command()
@shared_options
def env() -> None:
    """Print environment variables for using AWS tools with the local cloud.

    They include the secret key of its root user, which changes at every start. If no local cloud is
    running, it prints `false`, so that a command after `eval … &&` doesn't reach real AWS.

    \b
    Examples:
      eval "$(batchctl local env)" && aws sqs list-queues
      batchctl local env --json
    """
    what, hint = "print the local cloud's environment", "start it: `batchctl local start`"
    try:
        running = _running(what, hint)
    except BatchctlError:
        # `eval` of nothing succeeds, and AWS's tools would then go to the user's real account.
        if not current_options().json:
            show("false")
        raise
    if current_options().json:
        print_json(variables(running))
    else:
        for line in shell_lines(running, os.environ):
            show(line)


@local.command()
@click.option(
    "--rate",
    type=click.FloatRange(0, 1),
    default=1.0,
    show_default=True,
    help="Probability that a running task is interrupted.",
)
@click.option(
    "--for",
    "seconds",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="SECONDS",
    help="Repeat every second for this long.  [default: once]",
)
@shared_options
def interrupt(rate: float, seconds: float) -> None:
    """Simulate Spot interruptions.

    Running tasks get SIGTERM, and SIGKILL 30 s later. AWS Batch starts them again, and they
    continue after the last finished item. On-demand tasks are not interrupted.

    \b
    Examples:
      batchctl local interrupt
      batchctl local interrupt --rate 0.3
      batchctl local interrupt --rate 0.1 --for 60
    """
    running = _running("interrupt tasks", "start it, and a job in it: `batchctl --local up`")
    found = 0
    for hit in interruption.rounds(lambda: interruption.interrupt(running, rate), seconds):
        found += len(hit)
        if hit and not current_options().json:
            tasks = "1 task" if len(hit) == 1 else f"{len(hit)} tasks"
            say(f"interrupted {tasks}: {', '.join(hit)}")
    if current_options().json:
        print_json({"interrupted": found})
    elif not found:
        say("no Spot task was running, or none was interrupted")


def _running(what: str, hint: str) -> CloudRecord:
    running = process.status(_folder())
    if running is None:
        raise BatchctlError(f"could not {what}: the local cloud is not running", hint)
    return running


def _folder() -> Path:
    return current_options().target.local_folder


def _print_running(running: object) -> None:
    if current_options().json:
        plain = dataclasses.asdict(running) if isinstance(running, CloudRecord) else {}
        if plain:
            plain["started_at"] = timestamp(plain["started_at"])
        print_json({"running": bool(plain), **plain})
    elif isinstance(running, CloudRecord):
        show(f"the local cloud runs (process {running.pid})")
        show(f"AWS:           {running.endpoint_url}")
        show(f"load balancer: {running.load_balancer_url}")
