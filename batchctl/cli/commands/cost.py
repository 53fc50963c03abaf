"""`batchctl cost`: what the application costs a month while idle, by resource."""

from __future__ import annotations

import click

from batchctl.cli.display.cost import (
    as_json,
    job_as_json,
    show_change,
    show_job_cost,
    show_standing,
)
from batchctl.cli.opening import open_application, open_to_compare
from batchctl.cli.options import current_options, shared_options
from batchctl.cli.output import print_json, say, show
from batchctl.cli.runs import planned


@click.command()
@click.argument("job_id", required=False, metavar="[JOB]")
@click.option(
    "--refresh", is_flag=True, help="Ask AWS's price list first; its answer is kept for a day."
)
@shared_options
def cost(*, job_id: str | None, refresh: bool) -> None:
    """Show what it costs a month while idle, and what the next `up` changes in it.

    With JOB, what that job has cost so far, as a range: the seconds of its attempts, times its
    share of the machines that may have run it, at Spot's prices then.

    Every price has a source and a date; what has none is said to be unknown. Prices are on demand,
    in US dollars, before taxes, credits and discounts.

    \b
    Examples:
      batchctl cost
      batchctl cost demo-1
      batchctl cost --refresh
      batchctl cost --json
    """
    if job_id is not None:
        _show_job(job_id)
        return
    application = open_to_compare()
    if refresh:
        application.refresh_prices()
    found = application.standing_cost(planned(application))
    if found is None:
        say("the local cloud costs nothing")
    if current_options().json:
        print_json(as_json(found) if found else None)
        return
    if found is None:
        return
    show_standing(found, show, verbose=True)
    show_change(found, show)


def _show_job(job_id: str) -> None:
    found = open_application().job_cost(job_id)
    if current_options().json:
        print_json(job_as_json(found))
    else:
        show_job_cost(found, show)
