"""The build context: the files that an image is made of, and one hash of them all.

The hash depends on names, contents and executable bits alone, so that every machine and every
checkout has the same: no times, no owners, no other permissions, no empty folders. What is built is
a copy with just these files and modes (`assembly`), so that nothing reaches an image which the hash
doesn't know.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

from batchctl.errors import BatchctlError
from batchctl.image.ignore import IGNORE_FILES, Ignore, read_ignore
from batchctl.image.secrets import is_clutter, is_secret, is_virtual_environment

DOCKERFILE = "Dockerfile"
_CHUNK_BYTES = 1024 * 1024


@contextmanager
def unreadable(folder: Path) -> Iterator[None]:
    """Turn an OSError of the block into one that says what to do."""
    try:
        yield
    except OSError as error:
        raise BatchctlError(
            f"could not read the build context `{folder}`: {error}",
            hint="make it readable, or name it in `.dockerignore`",
        ) from error


@dataclass(frozen=True)
class Context:
    """The files of an image by name (`a/b.py`), in the order of their names.

    A Dockerfile that the folder has is always among them: it decides the image. `hides_dockerfile`
    says that the image doesn't get it all the same. `kept_out` names what stays out because it is a
    secret by its name; what the ignore file keeps out isn't among it.
    """

    files: Mapping[str, Path]
    kept_out: tuple[str, ...] = ()
    hides_dockerfile: bool = False

    def hash(self, settings: Mapping[str, str]) -> str:
        """Return the SHA-256, in hexadecimal, of the files and of what the image is built with.

        `settings` are what else decides the image: its platform, its build arguments. OSError when
        a file can't be read.
        """
        total = hashlib.sha256()
        for key, value in sorted(settings.items()):
            _add(total, "setting", key, value.encode())
        for name, (kind, digest) in self.digests.items():
            _add(total, kind, name, digest)
        return total.hexdigest()

    @cached_property
    def digests(self) -> Mapping[str, tuple[str, bytes]]:
        """What each file was when it was first asked for; OSError when one can't be read."""
        return {name: (kind_of(path), _digest(path)) for name, path in self.files.items()}

    def differing(self, other: Context) -> list[str]:
        """Return the names of the files that aren't the same in both."""
        names = {*self.digests, *other.digests}
        return sorted(each for each in names if self.digests.get(each) != other.digests.get(each))


def context_hash(
    folder: Path, settings: Mapping[str, str], include_files: Collection[str] = ()
) -> str:
    """Return the hash of a folder's build context; BatchctlError when it can't be read."""
    context = read_context(folder, include_files)
    with unreadable(folder):
        return context.hash(settings)


def read_context(folder: Path, include_files: Collection[str] = ()) -> Context:
    """Return what of a folder goes into its image.

    That is everything but what its ignore file keeps out, and what never goes into an image: see
    `secrets`. `include_files` are paths (of files, or of folders) for which the latter isn't so.
    BatchctlError when `include_files` names what isn't in the context, or when the folder can't be
    read.
    """
    walk = _Walk(folder, read_ignore(folder), tuple(include_files))
    with unreadable(folder):
        found = dict(walk.files(folder))
    _require_included(folder, include_files, found)
    hides_dockerfile = DOCKERFILE not in found
    if (folder / DOCKERFILE).is_file():
        found[DOCKERFILE] = folder / DOCKERFILE
    return Context(dict(sorted(found.items())), tuple(sorted(walk.kept_out)), hides_dockerfile)


def kind_of(path: Path) -> str:
    """Return what a path is; empty for what no image can hold (a socket, a pipe)."""
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return "link"
    if not stat.S_ISREG(mode):
        return ""
    return "program" if mode & stat.S_IXUSR else "file"


@dataclass(frozen=True)
class _Walk:
    """One walk through a folder; `kept_out` are the secrets that it met."""

    folder: Path
    ignore: Ignore
    include_files: tuple[str, ...]
    kept_out: set[str] = field(default_factory=set)

    def files(self, folder: Path) -> Iterator[tuple[str, Path]]:
        """Yield name and path of what is in the context, in the order of the file system."""
        for above, folders, files in os.walk(folder, onerror=_raise):
            here = Path(above)
            links = [each for each in folders if (here / each).is_symlink()]
            folders[:] = [
                each for each in folders if each not in links and self._goes_into(here / each)
            ]
            for path in (here / each for each in (*files, *links)):
                name = self._name(path)
                if self._lets_in(name, folder=False) and kind_of(path):
                    yield name, path

    def _goes_into(self, path: Path) -> bool:
        name = self._name(path)
        if any(PurePosixPath(each).is_relative_to(name) for each in self.include_files):
            return True
        if is_virtual_environment(path):
            return False
        return not self.ignore.keeps_out_all_of(name) and self._lets_in(name, folder=True)

    def _lets_in(self, name: str, *, folder: bool) -> bool:
        """Whether a path is in the context: it isn't ignored, and no secret or tool's own."""
        if name in IGNORE_FILES or (not folder and self.ignore.keeps_out(name)):
            return False
        path = PurePosixPath(name)
        above = [str(each) for each in reversed(path.parents)][1:]
        if {name, *above} & set(self.include_files):
            return True
        secret = next(filter(_is_secret_folder, above), None)
        if secret is None and is_secret(name, folder=folder):
            secret = name
        if secret is not None:
            self.kept_out.add(secret)
        return secret is None and not any(map(is_clutter, (name, *above)))

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()


def _is_secret_folder(name: str) -> bool:
    return is_secret(name, folder=True)


def _raise(error: OSError) -> None:
    raise error


def _require_included(folder: Path, named: Collection[str], found: Collection[str]) -> None:
    for each in named:
        if not any(PurePosixPath(name).is_relative_to(each) for name in found):
            raise BatchctlError(
                f"could not build the image: `compute.include_files` names `{each}`, which isn't "
                f"in the build context `{folder}`",
                hint="correct `compute.include_files` in config.yaml; what an ignore file keeps "
                "out stays out",
            )


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
