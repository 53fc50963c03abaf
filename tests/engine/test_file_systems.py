"""Machines that are short of something: locks, room on the disk, a name for the user, a home."""

from __future__ import annotations

import errno
import getpass
import json
import os
from pathlib import Path
from typing import Any

import pytest
from cloud import IDENTITY, Cloud, FakeAws, Thing

from batchctl.engine import lock
from batchctl.engine.apply import apply
from batchctl.engine.events import ignore
from batchctl.engine.plan import make_plan
from batchctl.engine.state import StateFile, StateRecord
from batchctl.errors import Unwritable
from batchctl.private_files import write_private

RECORD = StateRecord("thing", "a", identity={"Name": "a"}, outputs={"id": "a", "arn": "arn:a"})
NO_LOCKS = [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".batchctl" / "app.state.json"


def without_locks(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refuse(_descriptor: Any, operation: int) -> None:
        del operation
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", refuse)


@pytest.mark.parametrize("number", NO_LOCKS, ids=errno.errorcode.get)
def test_without_locks_in_the_file_system_one_run_keeps_out_the_other(
    path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    without_locks(monkeypatch, number)
    with lock.locked(path):
        with pytest.raises(lock.Locked, match=f"process {os.getpid()}"), lock.locked(path):
            pytest.fail("the second run got the lock")
        held = lock.held(path)
        assert held is not None
        assert held.alive
    assert lock.held(path) is None
    with lock.locked(path):
        pass


def test_without_locks_that_of_a_killed_run_is_taken_over(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_locks(monkeypatch, errno.ENOLCK)
    with lock.locked(path):
        holder = path.with_name(path.name + ".holder")
        left = {**json.loads(holder.read_text()), "pid": "999999999"}
    holder.write_text(json.dumps(left))
    with lock.locked(path):
        assert json.loads(holder.read_text())["pid"] == str(os.getpid())


def test_a_user_without_a_name_has_a_number(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found: 1234")

    monkeypatch.setattr(getpass, "getuser", nameless)
    with lock.locked(path):
        assert f"of uid {os.getuid()}@" in str(lock.held(path))


def refuse_writes(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Let nothing reach the disk from now on."""

    def full(_descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("os.fsync", full)


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "make room"),
        (errno.EDQUOT, "make room"),
        (errno.EROFS, "writable"),
        (errno.EIO, "writable"),
    ],
)
def test_a_disk_that_takes_nothing_is_named_and_keeps_what_was_there(
    path: Path, monkeypatch: pytest.MonkeyPatch, number: int, advice: str
) -> None:
    path.parent.mkdir()
    write_private(path, "old")
    refuse_writes(monkeypatch, number)
    with pytest.raises(Unwritable) as caught:
        write_private(path, "new")
    assert str(caught.value) == f"could not write `{path}`: {os.strerror(number)}"
    assert advice in str(caught.value.hint)
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    assert path.read_text() == "old"


def test_a_full_disk_ends_a_run_with_one_error_and_nothing_is_made_unrecorded(
    path: Path, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws, state = FakeAws(cloud), StateFile.load(path, IDENTITY)
    things = tuple(Thing(label=f"t{n}", name=f"app-t{n}") for n in range(11))
    plan = make_plan(things, state.state, aws)
    refuse_writes(monkeypatch, errno.ENOSPC)
    outcome = apply(things, plan, state, aws, ignore).outcome
    assert isinstance(outcome.ended_by, Unwritable)
    assert outcome.failed == {}
    assert set(outcome.skipped.values()) == {"nothing recorded"}
    assert cloud.things == {}


def test_a_lock_that_cannot_be_written_is_named(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(*_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("filelock.FileLock.acquire", read_only)
    with pytest.raises(Unwritable, match="Read-only file system"), lock.locked(path):
        pytest.fail("it got the lock")


def test_a_state_is_written_without_hard_links(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("os.link", refuse)
    state = StateFile.load(path, IDENTITY)
    state.put(RECORD)
    state.remove(RECORD.address)
    assert StateFile.load(path, IDENTITY).state.resources == {}
