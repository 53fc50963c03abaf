"""`batchctl unlock`: free the lock of a run that is gone."""

from __future__ import annotations

import click

from batchctl.cli.opening import open_to_delete
from batchctl.cli.options import current_options, shared_options
from batchctl.cli.output import print_json, say
from batchctl.cli.runs import confirm
from batchctl.errors import BatchctlError


@click.command()
@click.option("--force", is_flag=True, help="Free it although the process that holds it is alive.")
@click.option("--yes", is_flag=True, help="Don't ask before freeing it.")
@shared_options
def unlock(*, force: bool, yes: bool) -> None:
    """Show who holds the lock on the state, and free it when that run is gone.

    A run that was killed on this host leaves no lock. One that died on another host, or on a
    network file system, may leave one: two runs at once would spoil each other's work, so make
    sure that it is gone.

    \b
    Examples:
      batchctl unlock
      batchctl unlock --yes
    """
    application = open_to_delete()
    path = application.state_path
    found = application.lock_holder()
    if current_options().json:
        holder = found.holder if found else None
        print_json({"locked": found is not None, "holder": vars(holder) if holder else None})
    if found is None:
        say(f"`{path}` is not locked")
        return
    say(f"`{path}` is locked: {found}")
    if found.alive and not force:
        raise BatchctlError(
            f"could not free the lock of `{path}`: the run that holds it is alive",
            hint="wait until it has ended, or stop it (Ctrl-C); `--force` frees the lock anyway",
        )
    confirm("is that run gone? free the lock?", yes=yes)
    application.unlock()
    say("freed")
