"""What a task has to itself: a working directory like its image's, and a temporary folder.

The working directory is a copy of the picture of compute/, so that a task can write what it likes
there and no other sees it. The temporary folder is among the system's: paths in it stay as short as
a socket's must be (unix(7): 108 bytes). Both go when the task has ended.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from batchctl.packaging import RUNNER_FOLDER

LARGE_BYTES = 1024 * 1024
"""Files from this size on aren't copied for each task where the file system can't share them: they
are links to the picture's, which nobody may write."""

_FICLONE = 0x40049409
"""ioctl_ficlone(2): let two files share their blocks until one of them is written."""


@dataclass(frozen=True)
class TaskFolder:
    """What one task has: where it works, where its temporary files go, where its kills are counted.

    `memory_events` has the form of a cgroup's file of that name.
    """

    work: Path
    temporary: Path
    memory_events: Path


class TaskFolders:
    """Makes and removes the folders of tasks, below two of the cloud's own."""

    def __init__(self, parent: Path, temporary: Path, runner: Path) -> None:
        """`runner` is the folder of the runner, which every working directory has."""
        self._parent, self._temporary, self._runner = parent, temporary, runner

    def make(self, task_id: str, picture: Path) -> TaskFolder:
        """Return new folders for a task that works in a copy of `picture`; OSError as it comes."""
        home = self._parent / task_id
        home.mkdir(parents=True)
        work = home / "work"
        _copy(picture, work)
        link = work / RUNNER_FOLDER
        if not link.exists():
            link.symlink_to(self._runner)
        temporary = Path(tempfile.mkdtemp(dir=self._temporary))
        return TaskFolder(work, temporary, home / "memory.events")

    def remove(self, folder: TaskFolder) -> None:
        """Remove a task's folders with all that is in them, whatever modes that has."""
        for each in (folder.work.parent, folder.temporary):
            _remove(each)


def _copy(source: Path, target: Path) -> None:
    target.mkdir()
    with os.scandir(source) as entries:
        for entry in entries:
            path = target / entry.name
            if entry.is_symlink():
                path.symlink_to(os.readlink(entry.path))  # noqa: PTH115
            elif entry.is_dir():
                _copy(Path(entry.path), path)
            else:
                _copy_file(Path(entry.path), path, entry.stat())


def _copy_file(source: Path, target: Path, found: os.stat_result) -> None:
    if found.st_size >= LARGE_BYTES:
        if not _clone(source, target):
            os.link(source, target)
            return
    else:
        shutil.copyfile(source, target)
    target.chmod(stat.S_IMODE(found.st_mode) | stat.S_IWUSR)
    os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))


def _clone(source: Path, target: Path) -> bool:
    """Return whether `target` could be made a file that shares the blocks of `source`."""
    try:
        from fcntl import ioctl  # noqa: PLC0415 - not everywhere
    except ImportError:
        return False
    with source.open("rb") as original, target.open("xb") as copy:
        try:
            ioctl(copy.fileno(), _FICLONE, original.fileno())
        except OSError:
            copy.close()
            target.unlink()
            return False
    return True


def _remove(folder: Path) -> None:
    with suppress(OSError):
        shutil.rmtree(folder)
        return
    for each in _folders_of(folder):
        with suppress(OSError):
            each.chmod(stat.S_IRWXU)
    shutil.rmtree(folder, ignore_errors=True)


def _folders_of(folder: Path) -> Iterator[Path]:
    # Each is opened up before its own are read.
    yield folder
    for above, folders, _ in os.walk(folder):
        for name in folders:
            yield Path(above, name)
