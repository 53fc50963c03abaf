"""The state as a file: read, and written so that a crash leaves the old one or the new one.

Written by temporary file, fsync and rename, the previous version kept beside it as
`<name>.state.json.backup`. A state may be shared through a symbolic link to a folder that others
use too; see `real_path`.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from batchctl.engine.state_document import State, StateError, parsed
from batchctl.private_files import (
    create_private,
    narrow,
    private_folder,
    require_plain,
    unwritable,
    write_private,
)

_SUFFIX = ".state.json"


def backup_of(path: Path) -> Path:
    """Return where the previous version of a state file is kept."""
    return path.with_name(path.name + ".backup")


def read_state(path: Path) -> State | None:
    """Return the state at `path`, of whatever identity; None when there is none.

    Raises as `StateFile.load` does, but for the identity.
    """
    real = real_path(path)
    return _read(real) if real.exists() else None


def real_path(path: Path) -> Path:
    """Return where the state of `path` is kept: there, or at the target of a link of the user's.

    A link is followed only to an existing state of the same stack: users who share a state put it
    there by hand, and a link that came with a repository can make us write nothing but what a run
    of that state writes. Its lock, backup and temporary file are beside the target, so that
    everyone who shares it uses the same lock. BatchctlError for every other link, and for anything
    but a regular file.
    """
    if not path.is_symlink():
        require_plain(path)
        return path
    target = Path(os.path.realpath(path))
    stack = path.name.removesuffix(_SUFFIX)
    if _stack_at(target) != stack:
        raise StateError(
            f"could not use `{path}`: it is a symbolic link to `{target}`, which is not a state of "
            f"`{stack}`",
            hint=f"delete `{path}` if it isn't yours: it might have come with a repository; to "
            "share a state, move its file after the first `up`, then link to it from here",
        )
    return target


def _stack_at(path: Path) -> str | None:
    """Return the stack of the state at `path`; None when that is no state."""
    try:
        return _read(path).identity.stack if stat.S_ISREG(path.stat().st_mode) else None
    except (OSError, StateError):
        return None


def write_atomically(path: Path, text: str, shared: bool = False) -> None:
    """Write a file so that a crash leaves the old or the new one; the old one stays as backup.

    Only its user can read it; a shared one keeps its mode.
    """
    if not shared:
        private_folder(path.parent)
        narrow(path)
    if not path.exists():
        write_private(path, text)
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    with unwritable(backup_of(path)):
        _keep(path, mode)
    write_private(path, text, mode)


def _keep(path: Path, mode: int) -> None:
    """Make the backup, over the previous one."""
    backup = backup_of(path)
    backup.unlink(missing_ok=True)
    try:
        os.link(path, backup, follow_symlinks=False)
    except OSError:  # a file system without hard links (exFAT, shares)
        with create_private(backup, mode) as file:
            file.write(path.read_text(encoding="utf-8"))


def _read(path: Path) -> State:
    try:
        text = path.read_text(encoding="utf-8")
    except ValueError as error:
        raise StateError(
            f"could not read the state `{path}`: it is damaged ({error})", hint=_repair(path)
        ) from error
    return parsed(text, str(path), _repair(path))


def _repair(path: Path) -> str:
    backup = backup_of(path)
    without = f"move `{path.name}` away: `batchctl up` then finds every resource by name and tag"
    if backup.exists():
        return f"restore it from the backup `{backup}`, or {without}"
    return without
