"""The local cloud's directory: private, and nothing in it leads out of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from batchctl.errors import BatchctlError
from batchctl.local.control import root_secret
from batchctl.private_files import sealed_folder, write_private


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_directory_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    directory = tmp_path / ".batchctl" / "local"
    assert sealed_folder(directory) == directory.resolve()
    assert mode(directory) == 0o700


def test_a_directory_that_is_open_to_others_is_closed(tmp_path: Path) -> None:
    directory = tmp_path / "local"
    directory.mkdir()
    directory.chmod(0o755)
    sealed_folder(directory)
    assert mode(directory) == 0o700


def linked(tmp_path: Path, which: str) -> Path:
    """Make a project folder in which one part of the path is a link to a folder of the user's."""
    (tmp_path / "mine").mkdir()
    directory = tmp_path / "project" / ".batchctl" / "local"
    at = {"outer": directory.parent, "inner": directory, "file": directory / "cloud.log"}[which]
    at.parent.mkdir(parents=True)
    at.symlink_to(tmp_path / "mine")
    return directory


@pytest.mark.parametrize("which", ["outer", "inner", "file"])
def test_a_symbolic_link_is_refused_and_nothing_is_written_through_it(
    tmp_path: Path, which: str
) -> None:
    with pytest.raises(BatchctlError, match="it is a symbolic link") as caught:
        sealed_folder(linked(tmp_path, which))
    assert caught.value.hint is not None
    assert list((tmp_path / "mine").iterdir()) == []
    assert mode(tmp_path / "mine") != 0o700


def test_a_file_in_the_directorys_place_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "local").write_text("")
    with pytest.raises(BatchctlError, match="could not use"):
        sealed_folder(tmp_path / "local")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a folder away")
def test_a_directory_of_another_user_is_refused(tmp_path: Path) -> None:
    (tmp_path / "local").mkdir()
    os.chown(tmp_path / "local", 12345, 12345)
    with pytest.raises(BatchctlError, match="belongs to another user"):
        sealed_folder(tmp_path / "local")


def test_a_file_is_private_and_replaces_a_link_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("untouched")
    for name in ("a", "a.new"):
        (tmp_path / name).symlink_to(tmp_path / "theirs")
    write_private(tmp_path / "a", "text")
    assert (tmp_path / "theirs").read_text() == "untouched"
    assert (tmp_path / "a").read_text() == "text"
    assert not (tmp_path / "a").is_symlink()
    assert mode(tmp_path / "a") == 0o600


def test_a_secret_is_random_private_and_forgotten(tmp_path: Path) -> None:
    root_secret.create(tmp_path)
    first = root_secret.read(tmp_path)
    root_secret.create(tmp_path)
    assert len(first) >= 40
    assert root_secret.read(tmp_path) != first
    assert mode(tmp_path / "root-secret") == 0o600
    root_secret.remove(tmp_path)
    root_secret.remove(tmp_path)
    with pytest.raises(BatchctlError, match="could not read the local cloud's secret"):
        root_secret.read(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe"])
def test_a_damaged_secret_is_a_clear_error_that_does_not_show_it(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "root-secret").write_bytes(content)
    with pytest.raises(BatchctlError, match=r"empty|damaged"):
        root_secret.read(tmp_path)
