"""The command line: Click only, a file per command, loaded when it is called.

The only room that prints. What a command needs of AWS it asks the application for, which loads
boto3 and pydantic when it is opened: no help does.
"""

from __future__ import annotations

import click

from batchctl import __version__
from batchctl.cli.failures import Guarded
from batchctl.cli.lazy import LazyCommand
from batchctl.cli.options import shared_options

HELP = {
    "init": "Write config.yaml, and compute/ with a compute.py to start from.",
    "plan": "Show what `up` would change, and why; change nothing.",
    "up": "Build the application, or bring it up to date with config.yaml.",
    "down": "Delete everything that `up` made; a job table that holds jobs is kept.",
    "status": "Show every resource and its drift, the endpoint, and how full the queues are.",
    "doctor": "Find what would stop `up`, or make jobs wait for ever, and say what to do.",
    "policy": "Print the least IAM policy that a person or a pipeline needs.",
    "cost": "Show what it costs a month while idle, and what the next `up` changes in it.",
    "image": "Inspect the image that tasks run in.",
    "events": "Show what was done to the application: every `up` and `down`, when, by whom.",
    "debug-bundle": "Pack what to send when asking for help: the last runs, config.yaml, versions.",
    "config": "Show, check and describe the settings of config.yaml.",
    "unlock": "Show who holds the lock on the state, and free it when that run is gone.",
    "run": "Run compute() on one item, on this machine, and print its result as JSON.",
    "submit": "Submit a job.",
    "jobs": "List recent jobs, newest first, with the items that are done and that failed.",
    "show": "Show a job: status, counts of items and tasks, why items failed, what reclaims cost.",
    "watch": "Watch a job until it ends: counts, rate, time left, and failures as they come.",
    "results": "Print the results of a job, as far as there are any, in the order of its universe.",
    "logs": "Print what the tasks of a job wrote: the task and its attempt, the time, the item.",
    "why": "Say why a job waits or failed: what AWS says, the likely cause, what to do.",
    "cancel": "End a job for good: queued tasks don't start, running ones are stopped.",
    "retry": "Run the failed items of a job again, as another attempt of the same job.",
    "delete": "Delete a job that has ended: its record, its universe and its results, for good.",
    "dead-letters": "Deal with messages that failed for good; without a command, show them.",
    "curl": "Send one request to the API, signed when it wants signatures, and print the answer.",
    "open": "Open the AWS console where it shows the application: its jobs, queue, table or logs.",
    "man": "Print the manual page, which has the help of every command.",
    "completion": "Print the script that makes a shell complete commands, options and job ids.",
    "local": "Run AWS on this machine, for `--local`: no account, no Docker.",
}
"""The commands in the order of the help, each with its line of it (a test compares them)."""

SECTIONS = {
    "Build": (
        "init",
        "plan",
        "up",
        "down",
        "status",
        "doctor",
        "policy",
        "cost",
        "image",
        "events",
        "debug-bundle",
        "config",
        "unlock",
    ),
    "Run jobs": ("run", "submit", "jobs", "show", "watch", "results", "logs"),
    "Fix jobs": ("why", "cancel", "retry", "delete", "dead-letters"),
    "Tools": ("curl", "open", "completion", "man", "local"),
}

COMMANDS = tuple(
    LazyCommand(name, f"batchctl.cli.commands.{name.replace('-', '_')}", line)
    for name, line in HELP.items()
)


@click.group(
    cls=Guarded,
    lazy_commands=COMMANDS,
    sections=SECTIONS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="batchctl")
@shared_options
def main() -> None:
    """Run a function over a long list of items on AWS Batch, with nothing to operate.

    \b
    Try it on this machine, without an account:
      batchctl --local up
      batchctl --local submit --job-id demo-1 --universe AAPL,MSFT --wait
      batchctl --local results demo-1
      batchctl --local down
    """
