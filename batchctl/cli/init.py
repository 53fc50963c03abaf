"""The command that writes what a user starts from: config.yaml and compute/."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from batchctl.cli.options import current_options, shared_options
from batchctl.cli.output import print_json, say
from batchctl.errors import UsageError


@click.command()
@shared_options
def init() -> None:
    """Write config.yaml and a compute/ to start from; nothing that exists is touched.

    At a terminal it asks whom the API is to let in, and writes that into config.yaml.

    \b
    Example:
      mkdir risk && cd risk && batchctl init
    """
    from batchctl.cli.init_door import ask_whom_to_let_in, with_door
    from batchctl.packaging import compute_directory, config_template

    config = current_options().config_path
    compute = config.parent / "compute"
    written = [path for path in (config, compute) if not path.exists()]
    for path in written:
        _require_no_link(path)
    if not written:
        raise UsageError(
            f"could not begin here: `{config}` and `{compute}` exist already",
            hint="go on with them, or run `batchctl init` in another folder",
        )
    if config in written:
        settings = with_door(config_template().read_text(encoding="utf-8"), ask_whom_to_let_in())
        config.parent.mkdir(parents=True, exist_ok=True)
        config.write_text(settings, encoding="utf-8")
    if compute in written:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(compute_directory(), compute, ignore=ignored)
    _tell(written)


def _require_no_link(path: Path) -> None:
    """Raise UsageError for a link that leads nowhere: what is written through it would be there."""
    if path.is_symlink():
        raise UsageError(
            f"could not write `{path}`: it is a symbolic link to `{path.readlink()}`, which isn't "
            "there",
            hint="delete the link, or make what it leads to",
        )


def _tell(written: list[Path]) -> None:
    if current_options().json:
        print_json({"written": [str(path) for path in written]})
        return
    for path in written:
        say(f"wrote {path}{'/' if path.is_dir() else ''}")
    say("")
    say("try next:")
    say("  batchctl --local up")
    say("  edit compute/compute.py: `compute(item, parameters)` is your function")
