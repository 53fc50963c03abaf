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
    "init": "Create config.yaml and a sample compute/ folder.",
    "plan": "Show what `up` would change, and why, without changing anything.",
    "up": "Create the application, or update it to match config.yaml.",
    "down": "Delete everything that `up` created; job tables with jobs and logs with events stay.",
    "status": "Show what is deployed, how it differs from config.yaml, and what needs attention.",
    "doctor": "Check for problems that would make `up` fail or jobs wait, and suggest fixes.",
    "policy": "Print the least IAM policy that a person or a pipeline needs.",
    "cost": "Show what it costs a month while idle, and what the next `up` changes in it.",
    "image": "Inspect the image that tasks run in.",
    "events": "Show what was done to the application: every `up` and `down`, when, by whom.",
    "debug-bundle": "Pack what to send when asking for help: the last runs, config.yaml, versions.",
    "config": "Show, check and describe the settings of config.yaml.",
    "unlock": "Show who holds the state lock, and release it if that run is gone.",
    "run": "Run compute() on one item on this machine and print the result as JSON.",
    "submit": "Submit a job.",
    "jobs": "List recent jobs, newest first.",
    "show": "Show a job: its status, progress, failures and Spot interruptions.",
    "watch": "Follow a job until it ends: progress, rate, time left, failures.",
    "results": "Print the results of a job, item by item, in the order of its universe.",
    "logs": "Print the logs of a job's tasks.",
    "why": "Explain why a job waits or failed, and what to do.",
    "cancel": "Cancel a job: waiting tasks don't start, running ones are stopped.",
    "retry": "Run the failed items of a job again.",
    "delete": "Delete a job that has ended: its record, its universe and its results, for good.",
    "dead-letters": "Show, retry or delete messages that could not be processed.",
    "curl": "Send a request to the API, signed if required, and print the response.",
    "open": "Open the AWS console where it shows the application: its jobs, queue, table or logs.",
    "completion": "Print a shell script that completes commands, options and job ids.",
    "man": "Print the manual page, which has the help of every command.",
    "local": "Manage the local cloud that `--local` uses: AWS on this machine.",
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
    """Run a function over a long list of items on AWS Batch.

    \b
    Try it on this machine, without an AWS account:
      batchctl --local up
      batchctl --local submit demo-1 --universe AAPL,MSFT --wait
      batchctl --local results demo-1
      batchctl --local down
    """
