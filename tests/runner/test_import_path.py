"""Modules beside compute.py hide none of Python's, boto3's or ours; what they are is said."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from batchctl import packaging
from batchctl.runner.import_path import put_last
from batchctl.runner.user_code import (
    BrokenComputeError,
    explanation,
    hidden_modules,
    load_compute,
)

# What boto3 and the runner import, and the package that the runner is in.
NAMES = ("argparse", "batchctl", "boto3", "email", "json", "queue", "traceback", "uuid")


@pytest.fixture
def runner(tmp_path: Path) -> Path:
    """The folder of the runner, as an image has it."""
    for name, path in packaging.runner_files().items():
        target = tmp_path / "runner" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    return tmp_path / "runner"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder, last on the import path."""
    made = tmp_path / "compute"
    made.mkdir()
    monkeypatch.delitem(sys.modules, "compute", raising=False)
    monkeypatch.setattr(sys, "path", [*sys.path])
    put_last(str(made))
    return made


@pytest.mark.parametrize("environment", [{}, {"PYTHONPATH": "."}], ids=["plain", "PYTHONPATH"])
def test_no_module_beside_compute_py_hides_one_that_the_runner_needs(
    runner: Path, folder: Path, environment: Mapping[str, str]
) -> None:
    for name in NAMES:
        (folder / f"{name}.py").write_text(f"raise SystemExit('{name}.py was imported')")
    done = subprocess.run(
        [sys.executable, "-P", runner, "--help"],
        cwd=folder,
        env=environment,
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "--job-id" in done.stdout


def test_the_folder_is_last_and_once_on_the_path_however_it_came_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", "runner", "/usr/lib", ".", str(tmp_path / "link")])
    put_last(str(tmp_path))
    assert sys.path == [str(tmp_path / "runner"), "/usr/lib", str(tmp_path)]


def test_compute_py_imports_what_lies_beside_it(folder: Path) -> None:
    (folder / "prices_reader.py").write_text("def read(): return 42")
    (folder / "compute.py").write_text(
        "import prices_reader\ndef compute(item, parameters): return {'x': prices_reader.read()}"
    )
    assert load_compute(str(folder)).compute("A", {}) == {"x": 42}
    assert hidden_modules(str(folder)) == {}


def test_compute_py_is_found_by_its_place_and_known_by_its_name(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "installed").mkdir()
    (tmp_path / "installed" / "compute.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path / "installed")
    (folder / "compute.py").write_text("def compute(item, parameters): return {}")
    assert load_compute(str(folder)).__name__ == "compute"


def test_compute_may_be_a_package(folder: Path) -> None:
    (folder / "compute").mkdir()
    (folder / "compute" / "__init__.py").write_text("from .work import compute")
    (folder / "compute" / "work.py").write_text("def compute(item, parameters): return {'x': 1}")
    assert load_compute(str(folder)).compute("A", {}) == {"x": 1}


def test_a_folder_without_compute_py_says_so(folder: Path) -> None:
    with pytest.raises(BrokenComputeError, match=f"could not import compute.py: `{folder}` has"):
        load_compute(str(folder))


def test_modules_that_cannot_be_imported_are_named_with_the_reason(folder: Path) -> None:
    for name in ("queue.py", "sys.py", "boto3.py", "prices_reader.py", "compute.py"):
        (folder / name).write_text("")
    for name in ("email", "data"):
        (folder / name).mkdir()
    (folder / "email" / "__init__.py").write_text("")
    hidden = hidden_modules(str(folder))
    assert sorted(hidden) == ["boto3", "email", "queue", "sys"]
    assert hidden["queue"] == (
        "`import queue` finds a module of Python itself, not `queue.py` beside compute.py:"
        " rename it"
    )
    assert hidden["boto3"].startswith("`import boto3` finds a module of an installed package, not")


@pytest.mark.parametrize(
    "code", ["import queue; queue.first", "from queue import first", "import queue.first"]
)
def test_an_error_that_came_of_the_other_module_names_the_file(code: str) -> None:
    with pytest.raises((AttributeError, ImportError)) as raised:
        exec(code, {})  # noqa: S102  # code of a user
    assert explanation(raised.value, {"queue": "rename it"}) == "; rename it"
    assert explanation(raised.value, {"email": "rename it"}) == ""


@pytest.mark.parametrize(
    ("code", "package"),
    [
        ("import missing_one.part", "missing_one"),
        ("from yaml.nothing import more", "PyYAML"),
    ],
)
def test_a_module_that_is_not_installed_is_to_be_added(
    code: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(ImportError) as raised:
        exec(code, {})  # noqa: S102  # code of a user
    monkeypatch.delitem(sys.modules, "yaml")
    assert explanation(raised.value, {}) == (
        f"; add `{package}` to requirements.txt beside compute.py, then run `batchctl up`"
    )


def test_other_errors_are_left_as_they_are() -> None:
    assert explanation(AttributeError("x"), {"queue": "rename it"}) == ""
    assert explanation(ValueError("queue"), {"queue": "rename it"}) == ""
