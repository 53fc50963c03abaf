"""One hash for one build context: the same on every machine, another for every other context."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from batchctl.errors import BatchctlError
from batchctl.image.context import context_hash, read_context

Change = Callable[[Path], object]
PLATFORM = {"platform": "linux/amd64"}


def test_the_same_files_have_the_same_hash_wherever_and_whenever_they_were_made(
    folder: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "elsewhere" / "renamed"
    shutil.copytree(folder, copy)
    os.utime(copy / "compute.py", (0, 0))
    (copy / "compute.py").chmod(0o600)
    assert context_hash(copy, PLATFORM) == context_hash(folder, PLATFORM)


def test_the_hash_is_the_same_in_every_version(folder: Path) -> None:
    """A change of how it is made would build and push everybody's image again."""
    known = "3dd13f752892ac6d2fa7f43b17fc3050d9a4e87514cbcb6cfd8221b831c80935"
    assert context_hash(folder, PLATFORM) == known


def _write(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("")


CHANGES: dict[str, Change] = {
    "a content": lambda f: (f / "compute.py").write_text("other"),
    "a name": lambda f: (f / "compute.py").rename(f / "computes.py"),
    "another file": lambda f: (f / "prices.csv").write_text(""),
    "a file in a folder": lambda f: _write(f / "data" / "a"),
    "an executable bit": lambda f: (f / "compute.py").chmod(0o755),
    "the Dockerfile": lambda f: (f / "Dockerfile").write_text("FROM other\n"),
    "a link": lambda f: (f / "link").symlink_to("compute.py"),
    "a link to a folder": lambda f: (f / "link").symlink_to(".."),
    "a .dockerignore": lambda f: (f / ".dockerignore").write_text("compute.py\n"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_whatever_decides_the_image_changes_the_hash(folder: Path, change: Change) -> None:
    before = context_hash(folder, PLATFORM)
    change(folder)
    assert context_hash(folder, PLATFORM) != before


def test_another_platform_or_base_image_changes_the_hash(folder: Path) -> None:
    hashes = {
        context_hash(folder, settings)
        for settings in (PLATFORM, {"platform": "linux/arm64"}, {**PLATFORM, "BASE": "python:3"})
    }
    assert len(hashes) == 3


def test_a_link_is_known_by_where_it_leads(folder: Path) -> None:
    link = folder / "link"
    link.symlink_to("compute.py")
    before = context_hash(folder, PLATFORM)
    link.unlink()
    link.symlink_to("Dockerfile")
    assert context_hash(folder, PLATFORM) != before


def test_what_no_image_holds_does_not_change_the_hash(folder: Path) -> None:
    (folder / ".dockerignore").write_text("# ours\n.dockerignore\nDockerfile\n**/__pycache__\n")
    before = context_hash(folder, PLATFORM)
    (folder / "empty").mkdir()
    (folder / "data" / "__pycache__").mkdir(parents=True)
    (folder / "data" / "__pycache__" / "compute.pyc").write_text("")
    with socket.socket(socket.AF_UNIX) as unix:
        here = Path.cwd()
        os.chdir(folder)  # the path of a socket is short
        try:
            unix.bind("socket")
        finally:
            os.chdir(here)
        assert context_hash(folder, PLATFORM) == before


def test_the_dockerfile_decides_even_where_it_is_kept_out(folder: Path) -> None:
    (folder / ".dockerignore").write_text("*\n!compute.py\n")
    assert list(read_context(folder).files) == ["Dockerfile", "compute.py"]
    before = context_hash(folder, PLATFORM)
    (folder / "Dockerfile").write_text("FROM other\n")
    assert context_hash(folder, PLATFORM) != before


def test_two_files_are_not_one_of_both_contents(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    (folder / "a").write_text("b")
    (folder / "c").write_text("d")
    (other / "a").write_text("bfile")
    (other / "cd").write_text("")
    assert context_hash(folder, PLATFORM) != context_hash(other, PLATFORM)


def test_a_file_that_cannot_be_read_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, *_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(BatchctlError, match=r"Permission denied: .*compute") as raised:
        context_hash(folder, PLATFORM)
    assert ".dockerignore" in str(raised.value.hint)
