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
    """Show every resource and its drift, the endpoint, and how full the queues are.

    The endpoint is asked for a job. Exits with 1 when it doesn't answer, or when something is
    unhealthy: missing, disabled, or called broken by AWS. Drift alone is no failure.

    \b
    Examples:
      batchctl status
      batchctl --local status --json
    """
    application = open_to_compare()
    made = planned(application)
    found, cost = application.status(made), application.standing_cost(made)
    if current_options().json:
        print_json({**asdict(found), "cost": as_json(cost) if cost else None})
    else:
        show_status(found)
        if cost:
            show_standing(cost, show, verbose=current_options().verbose)
    if found.unhealthy:
        sys.exit(1)
