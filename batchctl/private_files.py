"""Files of our own, in `.batchctl/`: for their user alone, and never written through a link.

A `.batchctl/` may come with a repository that nobody has read. A symbolic link in it would turn
what we write into a write elsewhere (`x.state.json -> ~/.bashrc`), so every name is checked, each
file is made under a name that didn't exist (O_EXCL), and a folder is opened without following
links. Folders have the mode 0700, files 0600; wider ones that are ours are narrowed.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TextIO

from batchctl.errors import BatchctlError, Unwritable

FOLDER: Final = ".batchctl"
_FOLDER_MODE: Final = 0o700
_FILE_MODE: Final = 0o600
_LINK: Final = "a symbolic link"
_UNLINK: Final = "remove the link, then run the command again; what it points to is left alone"


def private_folder(path: Path) -> None:
    """Make a folder, and those above it; from `.batchctl` on only the user may enter them.

    BatchctlError when one of those is a link, or can't be made.
    """
    try:
        for folder in _own_folders(path):
            if folder.is_symlink():
                raise _refusal(folder, _LINK)
            is_new = not folder.exists()
            folder.mkdir(_FOLDER_MODE, parents=True, exist_ok=True)
            _narrow(folder, _FOLDER_MODE, os.O_DIRECTORY)
            if is_new and folder.name == FOLDER:
                _keep_out_of_git(folder)
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BatchctlError(
            f"could not make the folder `{path}`: {error.strerror}", hint=_hint_for(error, path)
        ) from error


def cache_directory() -> Path:
    """Return our folder in the user's cache directory; it may not be there yet.

    BatchctlError when nothing says where that is.
    """
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if named.is_absolute():  # XDG Base Directory Specification: a relative path is ignored
        return named / "batchctl"
    try:
        return Path.home() / ".cache" / "batchctl"
    except RuntimeError as error:
        hint = "set HOME, or XDG_CACHE_HOME, to a folder of yours"
        raise BatchctlError(f"could not find the cache directory: {error}", hint) from error


def sealed_folder(path: Path) -> Path:
    """Make a folder as `private_folder` does, for one that trusts all it finds there.

    Whatever its name is, only the user may enter it. Returns its real path. BatchctlError too when
    it or anything directly in it is a link, or when it is another user's.
    """
    link = _link_to(path)
    if link is not None:
        raise _refusal(link, _LINK, _UNLINK)
    if path.exists() and not path.is_dir():
        raise _refusal(path, "not a folder")
    private_folder(path.parent)
    try:
        path.mkdir(_FOLDER_MODE, exist_ok=True)
        _seal(path)
        inside = next((each for each in path.iterdir() if each.is_symlink()), None)
    except OSError as error:
        hint = _hint_for(error, path)
        raise BatchctlError(f"could not use `{path}`: {error.strerror}", hint) from error
    if inside is not None:
        raise _refusal(inside, _LINK, _UNLINK)
    return path.resolve()


def leads_elsewhere(path: Path) -> bool:
    """Return whether a folder, or one from `.batchctl` on that it is in, is a symbolic link."""
    return _link_to(path) is not None


def require_plain(path: Path) -> None:
    """Raise BatchctlError unless there is a regular file, or nothing; a link is neither."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        raise _refusal(path, _LINK if stat.S_ISLNK(mode) else "not a regular file")


def narrow(path: Path) -> None:
    """Take a file of ours from all others; one of another user, or none, is left as it is."""
    _narrow(path, _FILE_MODE)


def write_private(path: Path, text: str, mode: int = _FILE_MODE) -> None:
    """Put a file in place, whole or not at all: a crash leaves what was there.

    What has its name is replaced, a link too: nothing is written where that leads. Unwritable when
    the disk is full, or can't be written to.
    """
    temporary = path.with_name(path.name + ".new")
    with unwritable(path):
        temporary.unlink(missing_ok=True)
        try:
            with create_private(temporary, mode) as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError:
            with suppress(OSError):
                temporary.unlink()
            raise


@contextmanager
def unwritable(path: Path) -> Iterator[None]:
    """Turn an OSError of the block, which writes `path`, into Unwritable with what to do."""
    try:
        yield
    except OSError as error:
        raise Unwritable(
            f"could not write `{path}`: {error.strerror or error}", hint=_hint_for(error, path)
        ) from error


def _hint_for(error: OSError, path: Path) -> str:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return "make room on the disk, then run the command again: it continues from here"
    return (
        f"make `{path.parent}` writable for you, or move config.yaml to a folder that is: what is "
        "recorded of an application lies beside it"
    )


def create_private(path: Path, mode: int = _FILE_MODE) -> TextIO:
    """Open a new file for writing; FileExistsError when anything has its name."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    _set_mode(descriptor, mode)  # whatever the umask is
    return os.fdopen(descriptor, "w", encoding="utf-8")


def _keep_out_of_git(folder: Path) -> None:
    """Have `git add .` leave the folder out, with the state and the local cloud's secret in it."""
    with suppress(FileExistsError), create_private(folder / ".gitignore") as file:
        file.write("*\n")


def _own_folders(path: Path) -> Iterator[Path]:
    """Yield `.batchctl` and the folders below it that lead to `path`, the outermost first."""
    chain = (*reversed(path.parents), path)
    own = [index for index, folder in enumerate(chain) if folder.name == FOLDER]
    yield from chain[own[-1] :] if own else ()


def _link_to(path: Path) -> Path | None:
    return next((each for each in (*_own_folders(path), path) if each.is_symlink()), None)


def _seal(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
    try:
        found = os.fstat(descriptor)
        if found.st_uid != os.geteuid():
            raise BatchctlError(
                f"could not use `{path}`: it belongs to another user (uid {found.st_uid})",
                hint="name a folder that belongs to you",
            )
        if stat.S_IMODE(found.st_mode) != _FOLDER_MODE:
            os.fchmod(descriptor, _FOLDER_MODE)
    finally:
        os.close(descriptor)


def _narrow(path: Path, mode: int, flags: int = 0) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | flags)
    except OSError:  # absent, another user's, a link: whoever writes to it says so
        return
    try:
        found = os.fstat(descriptor)
        if found.st_uid == os.geteuid():
            _set_mode(descriptor, stat.S_IMODE(found.st_mode) & mode)
    finally:
        os.close(descriptor)


def _set_mode(descriptor: int, mode: int) -> None:
    if stat.S_IMODE(os.fstat(descriptor).st_mode) != mode:
        with suppress(OSError):  # a file system without modes (exFAT, shares)
            os.fchmod(descriptor, mode)


def _refusal(path: Path, what: str, hint: str = "") -> BatchctlError:
    return BatchctlError(
        f"could not use `{path}`: it is {what}; batchctl writes to plain files and folders alone",
        hint=hint
        or f"delete `{path}` if it isn't yours: it may have come with a repository; to keep what "
        "is in it elsewhere, move config.yaml there, and name it with `--config`",
    )
