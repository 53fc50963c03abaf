"""What lies in `.batchctl/` is its user's alone, and nothing is written through a link in it."""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from cloud import IDENTITY

from batchctl.engine.lock import Locked, free, held, locked
from batchctl.engine.state import StateFile, StateRecord, backup_of, read_state
from batchctl.errors import BatchctlError
from batchctl.private_files import private_folder

RECORD = StateRecord("thing", "base", outputs={"id": "app-base", "arn": "arn:app-base"})
OTHER = StateRecord("thing", "other", outputs={"id": "app-other", "arn": "arn:app-other"})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "project" / ".batchctl" / "app.state.json"


@pytest.fixture
def bashrc(tmp_path: Path) -> Path:
    """A file of the user's, to which links lead."""
    made = tmp_path / "bashrc"
    made.write_text("umask 077\n")
    return made


@pytest.fixture
def shared(tmp_path: Path, path: Path) -> Path:
    """A state in a folder that others use too, behind a link."""
    StateFile.load(path, IDENTITY).put(RECORD)
    (tmp_path / "team").mkdir(mode=0o775)
    made = tmp_path / "team" / path.name
    shutil.move(path, made)
    made.chmod(0o664)
    path.symlink_to(made)
    return made


def run(path: Path) -> None:
    """Do what an `up` does with the state."""
    with locked(path):
        state = StateFile.load(path, IDENTITY)
        state.put(RECORD)
        state.put(OTHER)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_folder_and_files_are_for_their_user_alone_whatever_the_umask(path: Path) -> None:
    before = os.umask(0)
    try:
        with locked(path):
            state = StateFile.load(path, IDENTITY)
            state.put(RECORD)
            state.put(OTHER)
            modes = {each.name: mode(each) for each in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert mode(path.parent) == 0o700
    names = [".gitignore", *(path.name + each for each in ("", ".backup", ".holder", ".lock"))]
    assert modes == dict.fromkeys(names, 0o600)


def test_folders_and_files_that_are_wider_are_narrowed(path: Path) -> None:
    run(path)
    (path.parent / "local").mkdir()
    for folder in (path.parent, path.parent / "local"):
        folder.chmod(0o777)
    for file in (path, backup_of(path), path.with_name(path.name + ".lock")):
        file.touch()
        file.chmod(0o666)
    path.write_text(path.read_text().replace("app-other", "app-older"))
    run(path)
    private_folder(path.parent / "local")
    assert mode(path.parent) == mode(path.parent / "local") == 0o700
    assert {mode(file) for file in path.parent.iterdir() if file.is_file()} == {0o600}


def test_a_folder_that_its_user_may_not_write_to_stays_so(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.parent.chmod(0o555)
    private_folder(path.parent)
    assert mode(path.parent) == 0o500


SUFFIXES = ["", ".lock", ".holder"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_link_to_a_file_of_the_user_is_refused_and_named(
    path: Path, bashrc: Path, suffix: str
) -> None:
    path.parent.mkdir(parents=True)
    link = path.with_name(path.name + suffix)
    link.symlink_to(bashrc)
    with pytest.raises(BatchctlError) as refused:
        run(path)
    assert f"could not use `{link}`: it is a symbolic link" in refused.value.message
    assert f"delete `{link}` if it isn't yours" in str(refused.value.hint)
    assert bashrc.read_text() == "umask 077\n"
    assert link.is_symlink()


@pytest.mark.parametrize("suffix", [".new", ".backup", ".holder.new"])
def test_a_link_where_a_new_file_is_made_is_replaced_by_it(
    path: Path, bashrc: Path, suffix: str
) -> None:
    run(path)
    link = path.with_name(path.name + suffix)
    link.unlink(missing_ok=True)
    link.symlink_to(bashrc)
    with locked(path):
        StateFile.load(path, IDENTITY).remove(OTHER.address)
    assert bashrc.read_text() == "umask 077\n"
    assert not link.is_symlink()
    assert read_state(path) is not None


@pytest.mark.parametrize("folder", [".batchctl", ".batchctl/local"])
def test_a_folder_that_is_a_link_is_refused_and_named(tmp_path: Path, folder: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o755)
    link = tmp_path / folder
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(elsewhere)
    with pytest.raises(BatchctlError, match="it is a symbolic link") as refused:
        run(link / "app.state.json")
    assert f"`{link}`" in refused.value.message
    assert list(elsewhere.iterdir()) == []
    assert mode(elsewhere) == 0o755


def test_a_link_above_the_folder_is_the_users_own_business(tmp_path: Path, path: Path) -> None:
    path.parent.parent.mkdir()
    (tmp_path / "short").symlink_to(path.parent.parent)
    run(tmp_path / "short" / ".batchctl" / path.name)
    assert read_state(path) is not None


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_pipe_is_refused_without_waiting_for_its_other_end(path: Path, suffix: str) -> None:
    path.parent.mkdir(parents=True)
    pipe = path.with_name(path.name + suffix)
    os.mkfifo(pipe)
    with pytest.raises(BatchctlError, match=r"it is not a regular file"):
        run(path)


@pytest.mark.parametrize("use", [read_state, held, free])
def test_whatever_reads_or_frees_refuses_the_link_too(
    path: Path, bashrc: Path, use: Callable[[Path], object]
) -> None:
    path.parent.mkdir(parents=True)
    path.symlink_to(bashrc)
    with pytest.raises(BatchctlError, match="it is a symbolic link"):
        use(path)


@pytest.mark.parametrize("target", ["/dev/zero", "nowhere", "app.state.json"])
def test_a_link_to_what_is_no_file_is_refused(path: Path, target: str) -> None:
    path.parent.mkdir(parents=True)
    path.symlink_to(target)
    with pytest.raises(BatchctlError, match="is not a state of `app`"):
        run(path)
    assert path.is_symlink()


def test_a_link_to_the_state_of_another_stack_is_refused(path: Path, shared: Path) -> None:
    link = path.with_name("other.state.json")
    link.symlink_to(shared)
    with pytest.raises(BatchctlError, match="is not a state of `other`"):
        run(link)


def test_a_state_behind_a_link_to_a_shared_folder_is_written_there(
    path: Path, shared: Path
) -> None:
    run(path)
    assert path.is_symlink()
    written = json.loads(shared.read_text())["resources"]
    assert set(written) == {RECORD.address, OTHER.address}
    assert set(json.loads(backup_of(shared).read_text())["resources"]) == {RECORD.address}


def test_a_shared_state_keeps_its_mode_and_its_folders(path: Path, shared: Path) -> None:
    before = mode(shared.parent)
    run(path)
    assert (mode(shared), mode(shared.parent)) == (0o664, before)


def test_those_who_share_a_state_keep_each_other_out(
    tmp_path: Path, path: Path, shared: Path
) -> None:
    colleagues = tmp_path / "colleague" / ".batchctl" / path.name
    colleagues.parent.mkdir(parents=True)
    colleagues.symlink_to(shared)
    with locked(path):
        found = held(colleagues)
        assert found is not None
        assert found.holder is not None
        with pytest.raises(Locked, match=f"process {os.getpid()}"), locked(colleagues):
            pass


def test_a_shared_state_stays_when_it_is_empty_as_others_link_to_it(
    path: Path, shared: Path
) -> None:
    state = StateFile.load(path, IDENTITY)
    state.remove(RECORD.address)
    state.discard()
    assert json.loads(shared.read_text())["resources"] == {}
    run(path)
    assert set(json.loads(shared.read_text())["resources"]) == {RECORD.address, OTHER.address}


def test_a_file_system_without_hard_links_has_a_backup_as_well(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    run(path)
    assert set(json.loads(backup_of(path).read_text())["resources"]) == {RECORD.address}


def test_a_file_system_without_modes_is_used_as_it_is(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    run(path)
    path.chmod(0o666)
    monkeypatch.setattr(os, "fchmod", refuse)
    run(path)
    assert read_state(path) is not None


def test_a_new_folder_stays_out_of_git_with_all_that_is_in_it(tmp_path: Path) -> None:
    folder = tmp_path / ".batchctl" / "local"
    private_folder(folder)
    assert (tmp_path / ".batchctl" / ".gitignore").read_text() == "*\n"
    assert list(folder.iterdir()) == []
