"""`batchctl unlock`: free the lock of a run that is gone."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from batchctl.cli.display.job import iso
from batchctl.cli.opening import open_to_delete
from batchctl.cli.options import current_options, shared_options
from batchctl.cli.output import print_json, say
from batchctl.cli.runs import confirm
from batchctl.errors import BatchctlError

if TYPE_CHECKING:
    from batchctl.engine.lock import Holder


@click.command()
@click.option("--force", is_flag=True, help="Release it even if its process is alive.")
@click.option("--yes", is_flag=True, help="Release it without asking.")
@shared_options
def unlock(*, force: bool, yes: bool) -> None:
    """Show who holds the state lock, and release it if that run is gone.

    A run that was killed on this machine leaves no lock. A run that died on another machine, or on
    a network file system, can leave one. Make sure that it is gone: two runs at the same time
    would damage each other's work.

    \b
    Examples:
      batchctl unlock
      batchctl unlock --yes
    """
    application = open_to_delete()
    path = application.store.name
    found = application.lock_holder()
    if current_options().json:
        holder = found.holder if found else None
        print_json({"locked": found is not None, "holder": _as_json(holder) if holder else None})
    if found is None:
        say(f"`{path}` is not locked")
        return
    say(f"`{path}` is locked: {found}")
    if found.alive and not force:
        raise BatchctlError(
            f"could not release the lock of `{path}`: the run that holds it is alive",
            hint="wait until it has ended, or stop it (Ctrl-C); `--force` releases the lock anyway",
        )
    confirm("is that run gone? release the lock?", yes=yes)
    application.unlock()
    say("released")


def _as_json(holder: Holder) -> dict[str, Any]:
    since = datetime.fromisoformat(holder.since)
    return dataclasses.asdict(holder) | {"since": iso(since)}
