"""The assembled build context: a copy of its files, and of nothing else, that a builder is given.

Builders read the folder that they are given by rules of their own. So they get one in which lies
what the hash stands for and nothing besides: no secret, no folder of a tool, no mode that another
machine wouldn't have.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from batchctl.ending import undone_at_once
from batchctl.errors import BatchctlError
from batchctl.image.context import DOCKERFILE, Context, kind_of

_MODES = {"file": 0o644, "program": 0o755}


@contextmanager
def assembled(context: Context, workspace: Path | None) -> Iterator[tuple[Path, Context]]:
    """Give a folder with a copy of the context, and the context that the copy is.

    It is made in `workspace`, which exists and which the builder can read (that of a virtual
    machine sees the user's folders alone), else among the system's temporary files, and goes after
    the block. BatchctlError when it can't be made.
    """
    with (
        TemporaryDirectory(prefix="image-", dir=workspace, ignore_cleanup_errors=True) as made,
        undone_at_once(lambda: shutil.rmtree(made, ignore_errors=True)),
    ):
        folder = Path(made) / "context"
        try:
            folder.mkdir()
            copies = {name: _copy(name, path, folder) for name, path in context.files.items()}
            _write_ignore_file(folder, context)
            _open_folders(folder)
        except OSError as error:
            raise BatchctlError(
                f"could not assemble the build context in `{folder}`: {error}",
                hint="it is a copy, which takes as much space as the files: name in "
                "`.dockerignore` what the image doesn't need",
            ) from error
        yield folder, dataclasses.replace(context, files=copies)


def _copy(name: str, source: Path, folder: Path) -> Path:
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    kind = kind_of(source)
    if kind == "link":
        target.symlink_to(source.readlink())
        return target
    shutil.copyfile(source, target)
    target.chmod(_MODES[kind])
    modified = source.stat()
    os.utime(target, ns=(modified.st_atime_ns, modified.st_mtime_ns))
    return target


def _write_ignore_file(folder: Path, context: Context) -> None:
    """Keep from the image what is here for the builder alone."""
    lines = [".dockerignore", *([DOCKERFILE] if context.hides_dockerfile else [])]
    (folder / ".dockerignore").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _open_folders(folder: Path) -> None:
    """Give every folder the mode that it has on all machines, whatever the umask is."""
    for above, _, _ in os.walk(folder):
        Path(above).chmod(_MODES["program"])
