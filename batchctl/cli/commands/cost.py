"""`batchctl cost`: what the application costs a month while idle, by resource."""

from __future__ import annotations

import click

from batchctl.cli.display.cost import as_json, show_change, show_standing
from batchctl.cli.opening import open_to_compare
from batchctl.cli.options import current_options, shared_options
from batchctl.cli.output import print_json, say, show
from batchctl.cli.runs import planned


@click.command()
@click.option(
    "--refresh", is_flag=True, help="Ask AWS's price list first; its answer is kept for a day."
)
@shared_options
def cost(*, refresh: bool) -> None:
    """Show what it costs a month while idle, and what the next `up` changes in it.

    Every price has a source and a date; what has none is said to be unknown. Prices are on demand,
    in US dollars, before taxes, credits and discounts.

    \b
    Examples:
      batchctl cost
      batchctl cost --refresh
      batchctl cost --json
    """
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
