"""`batchctl open`: the AWS console's page of a part of the application."""

from __future__ import annotations

import webbrowser

import click

from batchctl.cli.opening import open_recorded
from batchctl.cli.options import current_options, shared_options
from batchctl.cli.output import print_json, say, show

PAGES = ("jobs", "queue", "table", "logs", "tracker")


@click.command("open")
@click.argument("page", type=click.Choice(PAGES), default="jobs")
@click.option("--print", "prints", is_flag=True, help="Print the address; open no browser.")
@shared_options
def command(*, page: str, prints: bool) -> None:
    """Open the AWS console where it shows the application: its jobs, queue, table or logs.

    Where there is no browser, the address is printed on stdout. What the browser shows is up to
    the account that it is signed in to.

    \b
    Examples:
      batchctl open
      batchctl open logs
      batchctl open table --print
    """
    address = open_recorded().console_page(page)
    if current_options().json:
        print_json({"page": page, "url": address})
    elif prints or not _opened(address):
        show(address)
    else:
        say(f"opened {address}")


def _opened(address: str) -> bool:
    try:
        return webbrowser.get().open(address)
    except webbrowser.Error:
        return False
