"""Python environments in the user's cache directory: made once, whole or not at all.

The name of one is a hash of all that it depends on, so that what needs another makes another.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from batchctl.errors import BatchctlError
from batchctl.private_files import cache_directory, sealed_folder

_LOCK_TIMEOUT_S = 600.0
"""An installation over a slow line; who waits so long learns whom they wait for."""


@dataclass(frozen=True)
class Kept:
    """An environment: its folder's name, what it is to people, and what they read meanwhile."""

    name: str
    what: str
    line: str


def kept_environment(
    kept: Kept,
    install: Callable[[Path], None],
    is_complete: Callable[[Path], bool],
    report: Callable[[str], None],
) -> Path:
    """Return the folder of an environment; `install` makes it where it isn't complete.

    `report` gets a line before that. BatchctlError when it fails; nothing half made is left.
    """
    environment = sealed_folder(cache_directory()) / kept.name
    if is_complete(environment):
        return environment
    report(kept.line)
    try:
        with FileLock(environment.with_suffix(".lock"), timeout=_LOCK_TIMEOUT_S):
            if not is_complete(environment):  # another run may have made it
                _make(environment, kept, install)
    except Timeout as error:
        why = f"another process has been installing it for {_LOCK_TIMEOUT_S:.0f} s"
        hint = f"end that process (it holds `{error.lock_file}`), then run the command again"
        raise BatchctlError(f"could not install {kept.what}: {why}", hint) from error
    return environment


def _make(environment: Path, kept: Kept, install: Callable[[Path], None]) -> None:
    """Install beside the environment, then put it in its place: it is never seen half made."""
    partial = environment.with_suffix(".partial")
    try:
        _delete(partial)  # of a run that was killed
        install(partial)
        _delete(environment)  # whose Python is gone, or that somebody has taken files from
        partial.rename(environment)
    except OSError as error:
        why = error.strerror or str(error)
        raise BatchctlError(f"could not install {kept.what} in `{environment}`: {why}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _delete(directory: Path) -> None:
    if directory.exists():
        shutil.rmtree(directory)
