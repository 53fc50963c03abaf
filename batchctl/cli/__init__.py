"""The command line: Click only, one file per group of commands; the only room that prints.

Commands load what they need when they run, so that `batchctl --help` is quick: it imports neither
boto3 nor pydantic.
"""

from __future__ import annotations

import click

from batchctl import __version__
from batchctl.cli.change import cancel, retry
from batchctl.cli.curl import curl
from batchctl.cli.dead_letters import dead_letters
from batchctl.cli.deploy import plan, status, up
from batchctl.cli.down import down
from batchctl.cli.failures import Guarded
from batchctl.cli.init import init
from batchctl.cli.jobs import jobs, show, submit
from batchctl.cli.local import local
from batchctl.cli.logs import logs
from batchctl.cli.options import shared_options
from batchctl.cli.results import results
from batchctl.cli.unlock import unlock
from batchctl.cli.watch import watch
from batchctl.cli.why import why


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
