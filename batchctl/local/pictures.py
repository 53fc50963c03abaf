"""The pictures of compute/ that tasks run from: one for each content that `up` has deployed.

A picture is to processes what an image is to containers. It is made by `up`, of the files that an
image would get, and is named by their hash; the job definition names it as its image. So a job goes
on with what it was submitted with, whatever is done to compute/ meanwhile.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from batchctl.errors import BatchctlError
from batchctl.image.assembly import copy_files
from batchctl.image.context import Context, read_context, unreadable

FOLDER = "compute"
"""The folder of the pictures in the local cloud's directory."""

IMAGE = "batchctl/compute"
"""What the image of a job definition is called that runs from a picture; its tag is the hash."""

_LENGTH = 24


def image_of(folder: Path, include_files: Collection[str] = ()) -> str:
    """Return the image name of what is in a folder now; BatchctlError when it can't be read."""
    return f"{IMAGE}:{_hash_of(read_context(folder, include_files), folder)}"


def take(directory: Path, folder: Path, image: str, include_files: Collection[str] = ()) -> None:
    """Keep the picture of a folder in the local cloud's directory, where it isn't there already.

    BatchctlError when the folder isn't what `image` was named for.
    """
    kept = directory / FOLDER / image.rpartition(":")[2]
    if kept.is_dir():
        return
    kept.parent.mkdir(mode=0o700, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory, ignore_cleanup_errors=True) as temporary:
        copy = Path(temporary) / "picture"
        copy.mkdir()
        copied = copy_files(read_context(folder, include_files), copy)
        if f"{IMAGE}:{_hash_of(copied, folder)}" != image:
            raise BatchctlError(
                f"could not copy `{folder}`: it has changed since the plan was made",
                hint="run the command again",
            )
        with suppress(OSError):  # another run was faster
            copy.rename(kept)


class Pictures:
    """The pictures as the local cloud reads them."""

    def __init__(self, directory: Path, source: Path) -> None:
        """Read those in the cloud's directory; `source` is compute/ itself."""
        self._folder, self._source = directory / FOLDER, source

    def of(self, image: str) -> Path:
        """Return the folder that a task of this image runs from.

        Of an image that isn't built here only the command is run, in a copy of compute/ as it is.
        LookupError with the reason when there is no such picture.
        """
        name, _, tag = image.rpartition(":")
        if name != IMAGE:
            return self._source
        kept = self._folder / tag
        if not tag.isalnum() or not kept.is_dir():
            raise LookupError(f"there is no {image} here: `batchctl --local up` makes it")
        return kept


def remove_all(directory: Path) -> None:
    """Remove all pictures: with the cloud, what they were deployed to is gone."""
    shutil.rmtree(directory / FOLDER, ignore_errors=True)


def _hash_of(context: Context, folder: Path) -> str:
    with unreadable(folder):
        return context.hash({})[:_LENGTH]
