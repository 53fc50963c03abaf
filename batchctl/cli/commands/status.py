"""`batchctl status`: what is deployed, and how it differs from config.yaml."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from batchctl import application as applications
from batchctl.cli.display.cost import as_json, show_standing
from batchctl.cli.display.status import show_status
from batchctl.cli.opening import open_to_compare
from batchctl.cli.options import current_options, shared_options
from batchctl.cli.output import print_json, show
from batchctl.cli.runs import planned

FOUND_DRIFT = 3


@click.command()
@click.option("--exit-code", is_flag=True, help="Exit with 3 when anything differs, or is unknown.")
@shared_options
def status(*, exit_code: bool) -> None:
    """Show what is deployed, how it differs from config.yaml, and what needs attention.

    Prints one line for each part of the application; `-v` lists every resource. Exits with 1 if the
    endpoint doesn't answer, or if a resource is missing, disabled or invalid. Drift alone is not a
    failure, except with `--exit-code`. Resources that you have no permission to read are `unknown`.

    \b
    Examples:
      batchctl status
      batchctl status -v
      batchctl --local status --json
    """
    application = applications.as_deployed(open_to_compare())
    made = planned(application, shows_rest=True)
    found, cost = application.status(made), application.standing_cost(made)
    if current_options().json:
        print_json({**asdict(found), "cost": as_json(cost) if cost else None})
    else:
        show_status(found, verbose=current_options().verbose)
        if cost:
            show_standing(cost, show, verbose=current_options().verbose)
    if found.unhealthy:
        sys.exit(1)
    if exit_code and found.has_drift:
        sys.exit(FOUND_DRIFT)
