"""What the state promises: atomic, backed up, of one place, clear when it can't be used."""

from __future__ import annotations

import json
import multiprocessing
import os
from pathlib import Path

import pytest
from cloud import IDENTITY

from batchctl.engine.kinds import kind_of
from batchctl.engine.lock import Locked, locked
from batchctl.engine.state import StateError, StateFile, StateIdentity, StateRecord, backup_of

RECORD = StateRecord("thing", "base", outputs={"id": "app-base", "arn": "arn:app-base"})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "app.state.json"


def test_what_is_put_is_there_when_loaded_again(path: Path) -> None:
    StateFile.load(path, IDENTITY).put(RECORD)
    assert StateFile.load(path, IDENTITY).state.resources == {"thing.base": RECORD}


def test_the_previous_version_is_kept_beside_it(path: Path) -> None:
    state = StateFile.load(path, IDENTITY)
    state.put(RECORD)
    state.remove("thing.base")
    assert "thing.base" in json.loads(backup_of(path).read_text())["resources"]
    assert json.loads(path.read_text())["resources"] == {}


def test_a_crash_in_the_middle_of_a_write_leaves_the_old_version(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = StateFile.load(path, IDENTITY)
    state.put(RECORD)

    def crash(_descriptor: int) -> None:
        raise SystemExit

    monkeypatch.setattr(os, "fsync", crash)
    with pytest.raises(SystemExit):
        state.remove("thing.base")
    assert "thing.base" in StateFile.load(path, IDENTITY).state.resources


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', '{"format": "x"}', "null"])
def test_a_damaged_state_is_an_error_that_names_the_backup(path: Path, text: str) -> None:
    state = StateFile.load(path, IDENTITY)
    state.put(RECORD)
    state.remove("thing.base")
    path.write_text(text)
    with pytest.raises(StateError, match="damaged") as error:
        StateFile.load(path, IDENTITY)
    assert str(backup_of(path)) in str(error.value.hint)


def test_a_newer_format_is_an_error_that_says_so(path: Path) -> None:
    StateFile.load(path, IDENTITY).put(RECORD)
    path.write_text(path.read_text().replace('"format": 3', '"format": 4'))
    with pytest.raises(StateError, match="newer"):
        StateFile.load(path, IDENTITY)


def test_a_state_of_the_first_format_is_read(path: Path) -> None:
    state = StateFile.load(path, IDENTITY)
    state.supersede(RECORD, RECORD)
    old = path.read_text().replace('"format": 2', '"format": 1').replace('"deposed"', '"retired"')
    path.write_text(old)
    assert StateFile.load(path, IDENTITY).state == state.state


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (StateIdentity("app", "999999999999", "us-east-1"), "account `123456789012`"),
        (StateIdentity("app", "123456789012", "eu-west-1"), "region `us-east-1`"),
        (StateIdentity("other", "123456789012", "us-east-1"), "stack `app`"),
    ],
)
def test_the_state_of_another_identity_is_refused(
    path: Path, other: StateIdentity, named: str
) -> None:
    StateFile.load(path, IDENTITY).put(RECORD)
    with pytest.raises(StateError, match=named):
        StateFile.load(path, other)


def test_an_unknown_kind_is_an_error_that_names_it(path: Path) -> None:
    with pytest.raises(StateError, match="unknown kind `teapot`"):
        kind_of(StateRecord("teapot", "x"))


def test_a_second_run_names_who_holds_the_lock(path: Path) -> None:
    with locked(path), pytest.raises(Locked, match=f"process {os.getpid()}.*since"), locked(path):
        pass


def _hold_and_die(path: Path) -> None:
    lock = locked(path)
    lock.__enter__()
    os._exit(1)


def test_the_lock_of_a_killed_run_is_free(path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_hold_and_die, args=(path,))
    process.start()
    process.join()
    with locked(path):
        pass
