"""The build context: the files that an image is made of, and one hash of them all.

The hash depends on names, contents and executable bits alone, so that every machine and every
checkout has the same: no times, no owners, no other permissions, no empty folders.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from batchctl.errors import BatchctlError
from batchctl.image.ignore import Ignore, read_ignore

DOCKERFILE = "Dockerfile"
_CHUNK_BYTES = 1024 * 1024


def context_hash(folder: Path, settings: Mapping[str, str]) -> str:
    """Return the SHA-256, in hexadecimal, of a build context and of what it is built with.

    `settings` are what else decides the image: its platform, its build arguments. BatchctlError
    when there is no Dockerfile or a file can't be read.
    """
    if not (folder / DOCKERFILE).is_file():
        raise BatchctlError(
            f"could not build the image: `{folder}` has no `{DOCKERFILE}`",
            hint="`batchctl init` in an empty folder writes one to start from; or name another "
            "folder (`compute.build`) or an image (`compute.image`) in config.yaml",
        )
    total = hashlib.sha256()
    for key, value in sorted(settings.items()):
        _add(total, "setting", key, value.encode())
    try:
        for name, path in context_files(folder):
            _add(total, _kind(path), name, _digest(path))
    except OSError as error:
        raise BatchctlError(
            f"could not read the build context `{folder}`: {error}",
            hint="make it readable, or name it in `.dockerignore`",
        ) from error
    return total.hexdigest()


def context_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield name (`a/b.py`) and path of what the builder gets to see, ordered by name.

    The Dockerfile is always among them: it decides the image even where .dockerignore names it.
    """
    ignore = read_ignore(folder)
    found = dict(_files(folder, ignore))
    found[DOCKERFILE] = folder / DOCKERFILE
    yield from sorted(found.items())


def _files(folder: Path, ignore: Ignore) -> Iterator[tuple[str, Path]]:
    for above, folders, files in os.walk(folder):
        here = Path(above)
        links = [each for each in folders if (here / each).is_symlink()]
        folders[:] = [
            each
            for each in folders
            if each not in links and not ignore.keeps_out_all_of(_name(here / each, folder))
        ]
        for path in (here / each for each in (*files, *links)):
            if not ignore.keeps_out(_name(path, folder)) and _kind(path):
                yield _name(path, folder), path


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _kind(path: Path) -> str:
    """Return what a path is; empty for what no image can hold (a socket, a pipe)."""
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return "link"
    if not stat.S_ISREG(mode):
        return ""
    return "program" if mode & stat.S_IXUSR else "file"


def _digest(path: Path) -> bytes:
    if path.is_symlink():
        return os.fsencode(path.readlink())
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.digest()


def _add(total: hashlib._Hash, kind: str, name: str, value: bytes) -> None:
    """Add one entry, with its length before each part: no two contexts have the same bytes."""
    for part in (kind.encode(), os.fsencode(name), value):
        total.update(len(part).to_bytes(8, "big"))
        total.update(part)
