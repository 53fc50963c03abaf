"""`batchctl doctor`: what would stop `up`, or make jobs wait for ever."""

from __future__ import annotations

import sys
import time

import click

from batchctl.cli.display.doctor import as_json, show_examined, show_summary
from batchctl.cli.opening import open_to_compare
from batchctl.cli.options import current_options, shared_options
from batchctl.cli.output import print_json


@click.command()
@shared_options
def doctor() -> None:
    """Check for problems that would make `up` fail or jobs wait, and suggest fixes.

    Checks this machine, the account, the region and the network. Changes nothing. Exits with 1 if
    it finds a problem.

    \b
    Examples:
      batchctl doctor
      batchctl doctor --profile production --json
    """
    from batchctl.application.doctor.examination import examine  # noqa: PLC0415 - loads boto3
    from batchctl.application.doctor.findings import Level  # noqa: PLC0415 - as above

    began = time.monotonic()
    examined = []
    for each in examine(open_to_compare()):
        examined.append(each)
        if not current_options().json:
            show_examined(each, verbose=current_options().verbose)
    if current_options().json:
        print_json(as_json(examined))
    else:
        show_summary(examined, time.monotonic() - began)
    if any(each.level is Level.PROBLEM for each in examined):
        sys.exit(1)
