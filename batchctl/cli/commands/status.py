"""`batchctl status`: what is deployed, and how it differs from config.yaml."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from batchctl.cli.display.cost import as_json, show_standing
from batchctl.cli.display.status import show_status
from batchctl.cli.opening import open_to_compare
from batchctl.cli.options import current_options, shared_options
from batchctl.cli.output import print_json, show
from batchctl.cli.runs import planned


@click.command()
@shared_options
def status() -> None:
    """Show what is deployed, how it differs from config.yaml, and what needs attention.

    Prints one line for each part of the application; `-v` lists every resource. Exits with 1 if the
    endpoint doesn't answer, or if a resource is missing, disabled or invalid. Drift alone is not a
    failure.

    \b
    Examples:
      batchctl status
      batchctl status -v
      batchctl --local status --json
    """
    application = open_to_compare()
    made = planned(application)
    found, cost = application.status(made), application.standing_cost(made)
    if current_options().json:
        print_json({**asdict(found), "cost": as_json(cost) if cost else None})
    else:
        show_status(found, verbose=current_options().verbose)
        if cost:
            show_standing(cost, show, verbose=current_options().verbose)
    if found.unhealthy:
        sys.exit(1)
