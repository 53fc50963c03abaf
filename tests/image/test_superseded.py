"""Files that `init` once wrote are known by what is in them, never by their names alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from former_compute import write_former_compute

from batchctl.image.superseded import superseded_files
from batchctl.packaging import compute_directory

MODULES = ("attempts.py", "job_table.py", "runner.py", "stopping.py")


@pytest.fixture
def former(tmp_path: Path) -> Path:
    write_former_compute(tmp_path / "compute", "def compute(item, parameters): ...")
    return tmp_path / "compute"


def test_all_that_init_once_wrote_is_found(former: Path) -> None:
    assert superseded_files(former) == ("Dockerfile", "README.md", *MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_a_file_of_the_users_of_the_same_name_is_none_of_them(former: Path, name: str) -> None:
    (former / name).write_text('"""My own."""\n')
    assert name not in superseded_files(former)


def test_a_module_that_was_changed_is_ours_all_the_same(former: Path) -> None:
    with (former / "runner.py").open("a") as file:
        file.write("\n# changed\n")
    assert "runner.py" in superseded_files(former)


@pytest.mark.parametrize("name", ["Dockerfile", "README.md"])
def test_a_dockerfile_or_readme_that_was_changed_is_the_users(former: Path, name: str) -> None:
    with (former / name).open("a") as file:
        file.write("\n# changed\n")
    assert name not in superseded_files(former)


def test_a_checkout_with_other_line_ends_is_found(former: Path) -> None:
    for path in former.iterdir():
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert superseded_files(former) == ("Dockerfile", "README.md", *MODULES)


def test_what_init_writes_today_is_none_of_them(tmp_path: Path) -> None:
    assert superseded_files(compute_directory()) == ()
    assert superseded_files(tmp_path / "missing") == ()
