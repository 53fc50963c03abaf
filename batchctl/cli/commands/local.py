"""The commands for the local cloud: start, stop, status, env, interrupt."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import click

from batchctl.cli.local_environment import shell_lines, variables
from batchctl.cli.opening import open_application
from batchctl.cli.options import current_options, shared_options
from batchctl.cli.output import print_json, say, show
from batchctl.errors import BatchctlError
from batchctl.local.control import interruption, process
from batchctl.local.control.record import CloudRecord


@click.group()
@shared_options
def local() -> None:
    """Run AWS on this machine, for `--local`: no account, no Docker.

    Everything listens on 127.0.0.1 only, and every AWS call must be signed. `--local` starts it
    when needed.

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
    """Start the local cloud, unless it runs already.

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
    """Say whether the local cloud runs, and where.

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
    """Print the environment variables that point AWS's own tools at the local cloud.

    They contain the secret of its root user, which is new each time the cloud starts. Where no
    cloud runs it prints `false`, so that what follows `eval … &&` doesn't reach real AWS.

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
    help="Chance of each running task to lose its host.",
)
@click.option(
    "--for",
    "seconds",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="SECONDS",
    help="Go on so long, once a second; without it, once.",
)
@shared_options
def interrupt(rate: float, seconds: float) -> None:
    """Take the hosts of running tasks away, as Spot does.

    A task gets SIGTERM, and SIGKILL 30 s later; AWS Batch starts it again, and it goes on after its
    last finished item. Tasks on demand keep their hosts.

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
            say(f"took the hosts of {tasks} away: {', '.join(hit)}")
    if current_options().json:
        print_json({"interrupted": found})
    elif not found:
        say("no task on Spot was running, or none was hit")


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
        print_json({"running": bool(plain), **plain})
    elif isinstance(running, CloudRecord):
        show(f"the local cloud runs (process {running.pid})")
        show(f"AWS:           {running.endpoint_url}")
        show(f"load balancer: {running.load_balancer_url}")
