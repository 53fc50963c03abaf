"""What a task has to itself, and what it was before others came."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from batchctl.local.tasks.folders import LARGE_BYTES, TaskFolders
from batchctl.packaging import RUNNER_FOLDER


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    picture = tmp_path / "picture"
    (picture / "data").mkdir(parents=True)
    (picture / "compute.py").write_text("first")
    (picture / "data" / "prices.csv").write_text("1,2")
    (picture / "link").symlink_to("data/prices.csv")
    (picture / "run").write_text("#!/bin/sh")
    (picture / "run").chmod(0o755)
    os.utime(picture / "compute.py", ns=(10**18, 10**18))
    return picture


@pytest.fixture
def folders(tmp_path: Path) -> TaskFolders:
    for name in ("temporary", "runner"):
        (tmp_path / name).mkdir()
    return TaskFolders(tmp_path / "tasks", tmp_path / "temporary", tmp_path / "runner")


def test_a_task_works_in_a_copy_with_the_runner_in_it(folders: TaskFolders, picture: Path) -> None:
    work = folders.make("task-1", picture).work
    assert (work / "data" / "prices.csv").read_text() == "1,2"
    assert (work / "link").readlink() == Path("data/prices.csv")
    assert os.access(work / "run", os.X_OK)
    assert (work / "compute.py").stat().st_mtime_ns == 10**18
    assert (work / RUNNER_FOLDER).is_dir()


def test_what_a_task_writes_no_other_sees(folders: TaskFolders, picture: Path) -> None:
    one, two = folders.make("task-1", picture), folders.make("task-2", picture)
    (one.work / "compute.py").write_text("changed")
    (one.work / "data" / "new").write_text("")
    (one.temporary / "x").write_text("")
    assert (two.work / "compute.py").read_text() == "first"
    assert not (two.work / "data" / "new").exists()
    assert list(two.temporary.iterdir()) == []
    assert (picture / "compute.py").read_text() == "first"


def test_a_large_file_is_not_copied_byte_by_byte(folders: TaskFolders, picture: Path) -> None:
    (picture / "model.bin").write_bytes(bytes(LARGE_BYTES))
    work = folders.make("task-1", picture).work
    assert (work / "model.bin").stat().st_size == LARGE_BYTES


def test_all_that_a_task_had_is_removed_whatever_its_modes(
    folders: TaskFolders, picture: Path, tmp_path: Path
) -> None:
    folder = folders.make("task-1", picture)
    closed = folder.work / "a" / "b"
    closed.mkdir(parents=True)
    (closed / "c").write_text("")
    for each in (closed, closed.parent, folder.work):
        each.chmod(0o500)
    folders.remove(folder)
    assert list((tmp_path / "tasks").iterdir()) == []
    assert list((tmp_path / "temporary").iterdir()) == []
    assert (tmp_path / "runner").is_dir()
    assert (picture / "compute.py").exists()
