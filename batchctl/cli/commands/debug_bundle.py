"""`batchctl debug-bundle`: what to send when asking for help, without what is private."""

from __future__ import annotations

from pathlib import Path

import click

from batchctl.cli.opening import open_recorded
from batchctl.cli.options import current_options, shared_options
from batchctl.cli.output import print_json, say
from batchctl.errors import UsageError


@click.command("debug-bundle")
@click.argument(
    "path", type=click.Path(path_type=Path, dir_okay=False), default="batchctl-debug.zip"
)
@shared_options
def debug_bundle(*, path: Path) -> None:
    """Pack what to send when asking for help: the last runs, config.yaml, versions.

    Secrets, accounts, addresses, names of users and machines are taken out. Look into it before you
    send it: no program knows all that is private to you.

    \b
    Examples:
      batchctl debug-bundle
      batchctl debug-bundle /tmp/for-support.zip
    """
    from batchctl.application.bundle import write_bundle  # noqa: PLC0415 - loads boto3

    try:
        names = write_bundle(open_recorded(), path)
    except FileExistsError as error:
        raise UsageError(
            f"could not write `{path}`: it exists already", hint="delete it, or name another file"
        ) from error
    if current_options().json:
        print_json({"path": str(path), "files": list(names)})
        return
    say(f"wrote `{path}`:")
    for name in names:
        say(f"  {name}")
    say("look into it before you send it")
