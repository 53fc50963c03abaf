"""What somebody new meets: the wrong folder, a mistyped command, a folder that is gone or full."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from batchctl.cli.errors import explained

Batchctl = Callable[..., Result]


def test_in_a_folder_below_the_right_one_is_named_and_not_init(
    batchctl: Batchctl, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = folder / "data" / "2026"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    shown = batchctl("jobs").stderr
    assert f"pass `--config {folder / 'config.yaml'}`" in shown
    assert "init" not in shown


@pytest.mark.parametrize(
    ("typed", "meant"), [("resluts", "`results`"), ("pla", "`plan`"), ("retyr", "`retry`")]
)
@pytest.mark.usefixtures("folder")
def test_a_mistyped_command_is_answered_with_those_spelled_like_it(
    batchctl: Batchctl, typed: str, meant: str
) -> None:
    assert meant in batchctl(typed).stderr.partition("Did you mean")[2]


@pytest.mark.usefixtures("folder")
def test_a_command_like_none_is_answered_without_a_guess(batchctl: Batchctl) -> None:
    assert "Did you mean" not in batchctl("xyzzy").stderr


def test_a_folder_that_was_removed_is_said_to_be(batchctl: Batchctl, folder: Path) -> None:
    gone = folder / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    try:
        result = batchctl("jobs")
    finally:
        os.chdir(folder)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: could not work in this folder: it was removed")


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (errno.ENOSPC, "free some disk space"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "permissions"),
        (errno.ENOENT, "removed or moved"),
    ],
)
def test_what_a_file_refuses_is_said_with_its_path_and_a_next_step(number: int, hint: str) -> None:
    message, advice = explained(OSError(number, os.strerror(number), "/from", None, "/to/state"))
    assert message == f"could not use `/to/state`: {os.strerror(number)}"
    assert hint in str(advice)
