"""The lock of a run that is gone, and of one that is not: who holds it, and how it gets free."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from click.testing import Result
from filelock import FileLock

from batchctl.engine.lock import Locked, held, locked

Batchctl = Callable[..., Result]
# No process has a number beyond the greatest that Linux gives (proc(5), pid_max).
NO_PROCESS = str(2**22 + 1)


@pytest.fixture
def state_path(folder: Path) -> Path:
    path = folder / ".batchctl" / "batchapp.state.json"
    path.parent.mkdir()
    return path


def note(state_path: Path, **changed: str) -> None:
    """Leave what a run notes that holds the lock."""
    holder = {
        "user": "ann",
        "host": socket.gethostname(),
        "pid": NO_PROCESS,
        "command": "batchctl up",
        "since": "2026-11-24T00:00:00+00:00",
    }
    state_path.with_name("batchapp.state.json.holder").write_text(json.dumps(holder | changed))


def test_without_a_lock_there_is_nothing_to_free(batchctl: Batchctl, state_path: Path) -> None:
    done = batchctl("unlock")
    assert done.exit_code == 0
    assert "is not locked" in done.stderr


def test_a_run_that_died_on_another_host_keeps_the_next_out_until_it_is_freed(
    batchctl: Batchctl, state_path: Path
) -> None:
    note(state_path, host="build-7", pid="12")
    with pytest.raises(Locked, match="ann@build-7") as refused, locked(state_path):
        pass
    assert "`batchctl unlock`" in str(refused.value.hint)
    done = batchctl("unlock", "--yes")
    assert done.exit_code == 0
    assert "`batchctl up` of ann@build-7 (process 12) has held it since 2026" in done.stderr
    with locked(state_path):
        pass


def test_what_a_killed_run_of_this_host_noted_is_taken_over(
    batchctl: Batchctl, state_path: Path
) -> None:
    note(state_path)
    assert "is not locked" in batchctl("unlock").stderr
    with locked(state_path):
        found = held(state_path)
        assert found is not None
        assert found.holder is not None
        assert found.holder.pid == str(os.getpid())


def test_the_lock_of_a_living_process_is_freed_by_force_alone(
    batchctl: Batchctl, state_path: Path
) -> None:
    with ExitStack() as run:
        run.enter_context(locked(state_path))
        refused = batchctl("unlock", "--yes")
        assert refused.exit_code == 1
        assert f"process {os.getpid()}" in refused.stderr
        assert "is alive" in refused.stderr
        assert batchctl("unlock", "--yes", "--force").exit_code == 0
        with locked(state_path):
            pass


def test_a_lock_that_outlived_its_process_is_freed(batchctl: Batchctl, state_path: Path) -> None:
    with FileLock(state_path.with_name("batchapp.state.json.lock")):
        note(state_path)
        done = batchctl("unlock", "--yes")
        assert done.exit_code == 0, done.stderr
        with locked(state_path):
            pass


def test_nothing_is_freed_without_a_yes(batchctl: Batchctl, state_path: Path) -> None:
    note(state_path, host="build-7")
    refused = batchctl("unlock")
    assert refused.exit_code == 2
    assert "--yes" in refused.stderr
    assert held(state_path) is not None


def test_a_no_leaves_the_lock(
    batchctl: Batchctl, state_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _self: True)
    note(state_path, host="build-7")
    assert batchctl("unlock", input="n\n").exit_code == 1
    assert held(state_path) is not None
    assert batchctl("unlock", input="y\n").exit_code == 0
    assert held(state_path) is None


def test_the_holder_is_data_as_well(batchctl: Batchctl, state_path: Path) -> None:
    note(state_path, host="build-7")
    shown = json.loads(batchctl("unlock", "--yes", "--json").stdout)
    assert shown["locked"]
    assert shown["holder"]["host"] == "build-7"
    assert json.loads(batchctl("unlock", "--json").stdout) == {"locked": False, "holder": None}
