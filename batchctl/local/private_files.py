"""The local cloud's directory: its owner's alone, and nothing in it leads out of it.

It may lie in a folder that came from elsewhere (a clone, an archive), so a symbolic link that waits
there for what is written is refused, not followed.
"""

from __future__ import annotations

import os
from pathlib import Path

from batchctl.errors import BatchctlError

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
_FOLDER_MODE = 0o700
_FILE_MODE = 0o600


def private_directory(directory: Path) -> Path:
    """Return the directory's real path: made when missing, and open to its owner alone.

    BatchctlError when it, the `.batchctl` that it is in, or anything directly in it is a symbolic
    link, or when it is another user's.
    """
    link = _link_to(directory)
    if link is not None:
        raise _linked(link)
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=_FOLDER_MODE)
        found = directory.stat()
        if found.st_uid != os.geteuid():
            raise _unusable(directory, f"it belongs to another user (uid {found.st_uid})")
        if found.st_mode & 0o777 != _FOLDER_MODE:
            directory.chmod(_FOLDER_MODE)
        for path in directory.iterdir():
            if path.is_symlink():
                raise _linked(path)
    except OSError as error:
        raise _unusable(directory, error.strerror or str(error)) from error
    return directory.resolve()


def leads_elsewhere(directory: Path) -> bool:
    """Return whether the directory, or the `.batchctl` that it is in, is a symbolic link."""
    return _link_to(directory) is not None


def _link_to(directory: Path) -> Path | None:
    parents = [directory.parent] if directory.parent.name == ".batchctl" else []
    return next((path for path in (*parents, directory) if path.is_symlink()), None)


def new_file(path: Path) -> int:
    """Return the descriptor of a new, empty file that its owner alone may read, for writing.

    A file or link of that name goes first: what it leads to stays as it is.
    """
    path.unlink(missing_ok=True)
    return os.open(path, _NEW, _FILE_MODE)


def write(path: Path, text: str) -> None:
    """Write a file that its owner alone may read, whole or not at all."""
    temporary = path.with_name(f"{path.name}.new")
    with os.fdopen(new_file(temporary), "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)


def _linked(path: Path) -> BatchctlError:
    hint = "remove the link, then run the command again; what it points to is left alone"
    return BatchctlError(f"could not use `{path}` for the local cloud: it is a symbolic link", hint)


def _unusable(path: Path, why: str) -> BatchctlError:
    hint = "the local cloud needs a folder that belongs to you"
    return BatchctlError(f"could not use `{path}` for the local cloud: {why}", hint)
