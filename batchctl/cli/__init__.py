"""The command line: Click only, one file per group of commands; the only room that prints.

Commands load what they need when they run, so that `batchctl --help` is quick: it imports neither
boto3 nor pydantic.
"""

from __future__ import annotations

import click

from batchctl import __version__
from batchctl.cli.commands.curl import curl
from batchctl.cli.commands.dead_letters import dead_letters
from batchctl.cli.commands.down import down
from batchctl.cli.commands.init import init
from batchctl.cli.commands.local import local
from batchctl.cli.commands.logs import logs
from batchctl.cli.commands.results import results
from batchctl.cli.commands.retry import cancel, retry
from batchctl.cli.commands.submit import jobs, show, submit
from batchctl.cli.commands.unlock import unlock
from batchctl.cli.commands.up import plan, status, up
from batchctl.cli.commands.watch import watch
from batchctl.cli.commands.why import why
from batchctl.cli.failures import Guarded
from batchctl.cli.options import shared_options


@click.group(cls=Guarded, context_settings={"help_option_names": ["-h", "--help"]})
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


COMMANDS = (
    *(init, plan, up, down, status, unlock),
    *(submit, jobs, show, watch, results, logs, why, cancel, retry),
    *(dead_letters, curl, local),
)

for command in COMMANDS:
    main.add_command(command)
