"""The command that writes what a user starts from: config.yaml and compute/."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

import click

from batchctl import application
from batchctl.cli.display.folder import show_superseded
from batchctl.cli.init_door import ask_whom_to_let_in, shortened, with_settings
from batchctl.cli.options import current_options, shared_options
from batchctl.cli.output import print_json, say
from batchctl.errors import UsageError
from batchctl.packaging import compute_directory, config_template

CODE = ("compute.py", "__init__.py", "Dockerfile")
"""What makes a folder one that an image can be built from: one of these files."""

LONGEST_WORDS = 15
"""Of a stack's name, which has 20 characters at most, five of them for what makes it its own."""


@click.command()
@shared_options
def init() -> None:
    """Create config.yaml and a sample compute/ folder.

    The file has the settings that most users change; `batchctl config show` prints all of them.
    Existing files are never changed. If there is a compute.py here or in compute/, or a Dockerfile
    in compute/, only config.yaml is written. The stack's name is made of the
    folder's. On a terminal, `init` asks who can call the API.

    \b
    Example:
      mkdir risk && cd risk && batchctl init
    """
    config = current_options().config_path
    compute = config.parent / "compute"
    show_superseded(application.superseded_in(compute))
    has_own = (config.parent / "compute.py").is_file() and not _has_code(compute)
    is_there = {config: config.exists() and not config.is_dir()}
    if not has_own:
        is_there[compute] = _has_code(compute)
    written = [path for path, there in is_there.items() if not there]
    if not written:
        names = " and ".join(f"`{path}`" for path in is_there)
        raise UsageError(
            f"nothing to do: {names} already {'exists' if has_own else 'exist'}",
            hint="use them, or run `batchctl init` in another folder",
        )
    for path in written:
        _require_free(path, is_folder=path == compute)
    if config in written:
        _write_config(config, {"build": "."} if has_own else {})
    if compute in written:
        _write_sample(compute)
    _print_written(written, config.parent if has_own else compute)


def _has_code(folder: Path) -> bool:
    """Whether an image can be built from a folder: it has a function, or a Dockerfile."""
    return any((folder / name).is_file() for name in CODE)


def _require_free(path: Path, *, is_folder: bool) -> None:
    """Raise UsageError where something else stands in the place of what is to be written.

    That is so for a link that leads nowhere, too: what is written through it would be there.
    """
    if path.is_symlink() and not path.exists():
        raise UsageError(
            f"could not write `{path}`: it is a symbolic link to `{path.readlink()}`, which isn't "
            "there",
            hint="delete the link, or make what it leads to",
        )
    if path.exists() and path.is_dir() != is_folder:
        raise UsageError(
            f"could not write `{path}`: it is a {'file' if is_folder else 'folder'}",
            hint="rename it, or run `batchctl init` in another folder",
        )


def _write_config(path: Path, settings: Mapping[str, str]) -> None:
    template = config_template().read_text(encoding="utf-8")
    own = {"name": name_of_its_own(path.resolve().parent.name)}
    answers = {**own, **ask_whom_to_let_in(), **settings}
    text = with_settings(shortened(template, answers), answers)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def name_of_its_own(folder: str) -> str:
    """Return a name for a stack made in this folder, which no other stack is likely to have."""
    words = re.sub(r"[^a-z0-9]+", "-", folder.lower()).strip("-0123456789") or "app"
    if f"{words}-".startswith(("internal-", "sg-")):  # names of load balancers and groups are AWS's
        words = f"app-{words}"
    return f"{words[:LONGEST_WORDS].rstrip('-')}-{secrets.token_hex(2)}"


def _write_sample(folder: Path) -> None:
    """Write the files of the sample that a folder lacks, as new files of the user's."""
    folder.mkdir(parents=True, exist_ok=True)
    for source in compute_directory().iterdir():
        target = folder / source.name
        if source.is_file() and not os.path.lexists(target):
            shutil.copyfile(source, target)


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
