"""The secret of a local cloud's root: random, new with each cloud, in a file of its owner's alone.

Whoever reads the file is root of the cloud, and so runs code as its owner; it is nowhere else: not
in a command line, an environment that functions or jobs inherit, a log or an error.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from batchctl.errors import BatchctlError
from batchctl.private_files import write_private

_FILE = "root-secret"


def create(directory: Path) -> None:
    """Make a new secret for the cloud that is about to start in its (private) directory."""
    write_private(directory / _FILE, secrets.token_urlsafe(32))


def read(directory: Path) -> str:
    """Return the secret of the cloud in a directory; BatchctlError when there is none to read."""
    path = directory / _FILE
    try:
        secret = path.read_text(encoding="ascii")
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "it is damaged"
        raise _unreadable(path, why) from error
    if not secret:
        raise _unreadable(path, "it is empty")
    return secret


def remove(directory: Path) -> None:
    """Forget the secret; quiet when there is none."""
    (directory / _FILE).unlink(missing_ok=True)


def _unreadable(path: Path, why: str) -> BatchctlError:
    return BatchctlError(
        f"could not read the local cloud's secret `{path}`: {why}",
        hint="only the user who started it may use it; `batchctl local stop`, then start it again",
    )
