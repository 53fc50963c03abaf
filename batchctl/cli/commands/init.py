"""The command that writes what a user starts from: config.yaml and compute/."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import click

from batchctl import application
from batchctl.cli.display.folder import show_superseded
from batchctl.cli.init_door import ask_whom_to_let_in, with_settings
from batchctl.cli.options import current_options, shared_options
from batchctl.cli.output import print_json, say
from batchctl.errors import UsageError
from batchctl.packaging import compute_directory, config_template


@click.command()
@shared_options
def init() -> None:
    """Write config.yaml, and compute/ with a compute.py to start from.

    Nothing that exists is touched: where there is a compute.py already, here or in compute/,
    config.yaml alone is written, and names its folder. At a terminal it asks whom the API is to let
    in, and writes that into config.yaml.

    \b
    Example:
      mkdir risk && cd risk && batchctl init
    """
    config = current_options().config_path
    compute = config.parent / "compute"
    show_superseded(application.superseded_in(compute))
    has_own = (config.parent / "compute.py").is_file() and not _is_there(compute)
    wanted = (config,) if has_own else (config, compute)
    written = [path for path in wanted if not _is_there(path)]
    if not written:
        names = " and ".join(f"`{path}`" for path in wanted)
        raise UsageError(
            f"could not begin here: {names} {'exists' if has_own else 'exist'} already",
            hint="go on with them, or run `batchctl init` in another folder",
        )
    for path in written:
        _require_no_link(path)
    if config in written:
        _write_config(config, {"build": "."} if has_own else {})
    if compute in written:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(compute_directory(), compute, ignore=ignored, dirs_exist_ok=True)
    _print_written(written, config.parent if has_own else compute)


def _require_no_link(path: Path) -> None:
    """Raise UsageError for a link that leads nowhere: what is written through it would be there."""
    if path.is_symlink():
        raise UsageError(
            f"could not write `{path}`: it is a symbolic link to `{path.readlink()}`, which isn't "
            "there",
            hint="delete the link, or make what it leads to",
        )


def _write_config(path: Path, settings: Mapping[str, str]) -> None:
    template = config_template().read_text(encoding="utf-8")
    text = with_settings(template, {**ask_whom_to_let_in(), **settings})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _is_there(path: Path) -> bool:
    """Whether a path exists; an empty folder is as good as none."""
    return path.exists() and not (path.is_dir() and not any(path.iterdir()))


def _print_written(written: list[Path], folder: Path) -> None:
    if current_options().json:
        print_json({"written": [str(path) for path in written]})
        return
    for path in written:
        say(f"wrote {path}{'/' if path.is_dir() else ''}")
    say("")
    say("try next:")
    say("  batchctl --local up")
    say(f"  edit {folder / 'compute.py'}: `compute(item, parameters)` is your function")
