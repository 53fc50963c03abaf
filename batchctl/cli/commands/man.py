"""`batchctl man`: the manual page, for man(1)."""

from __future__ import annotations

import click

from batchctl import __version__
from batchctl.cli.manual import manual_page
from batchctl.cli.options import shared_options
from batchctl.cli.output import show_script


@click.command()
@shared_options
def man() -> None:
    """Print the manual page, which has the help of every command.

    \b
    Examples:
      batchctl man | man -l -
      batchctl man > ~/.local/share/man/man1/batchctl.1
    """
    root = click.get_current_context().find_root().command
    show_script(manual_page(root, "batchctl", __version__).rstrip("\n"))
