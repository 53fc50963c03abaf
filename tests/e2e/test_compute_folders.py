"""Folders of users as they are, with tasks as processes: an older version's, unlucky names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from application import Application
from former_compute import write_former_compute

# tests/runner/test_import_path.py has what hides what.
pytestmark = [pytest.mark.e2e, pytest.mark.exhaustive]
COMPUTE = """
def compute(item: str, parameters: dict) -> dict:
    return {"item": item}
"""


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """An application that is up on the local cloud, with the compute/ of an older version."""
    application = Application.make(tmp_path_factory.mktemp("application"), "")
    write_former_compute(application.folder / "compute", COMPUTE)
    try:
        yield application
    finally:
        application.run("local", "stop")


def results(application: Application, job_id: str, *, is_good: bool = True) -> dict[str, Any]:
    """Bring compute/ up, run a job over `a` and `b` to its end, return what became of each."""
    application.local("up", "--yes")
    submit = ("submit", "--job-id", job_id, "--universe", "a,b", "--wait")
    application.run("--local", *submit, check=is_good)
    found = application.local("results", job_id, "--format", "json").stdout
    return {each["item"]: each for each in json.loads(found)}


def test_a_folder_of_an_older_version_works_and_up_says_what_to_delete(
    application: Application,
) -> None:
    shown = application.local("up", "--yes").stderr
    assert "files of an older batchctl, which are no longer used: delete them with `rm " in shown
    found = results(application, "former")
    assert [found[item]["result"] for item in "ab"] == [{"item": "a"}, {"item": "b"}]


def test_the_same_folder_works_when_they_are_deleted(application: Application) -> None:
    for path in (application.folder / "compute").iterdir():
        if path.name != "compute.py":
            path.unlink()
    assert "older batchctl" not in application.local("up", "--yes").stderr
    assert results(application, "today")["a"]["result"] == {"item": "a"}


def test_modules_with_names_of_others_hide_none_and_are_named(application: Application) -> None:
    folder = application.folder / "compute"
    for name in ("email", "queue", "uuid", "batchctl", "boto3", "runner", "signals"):
        (folder / f"{name}.py").write_text("def first(text): return text[0]")
    (folder / "compute.py").write_text("import queue\n" + COMPUTE.replace("item}", "item[0]}"))
    assert results(application, "spared")["a"]["result"] == {"item": "a"}
    logged = application.local("logs", "spared").stdout
    assert "`import queue` finds a module of Python itself, not `queue.py` beside" in logged
    (folder / "compute.py").write_text(
        "import queue\ndef compute(item, parameters): return {'first': queue.first(item)}"
    )
    error = results(application, "named", is_good=False)["a"]["error"]
    assert error.startswith("AttributeError: module 'queue' has no attribute 'first' (compute.py")
    assert "not `queue.py` beside compute.py: rename it" in error


def test_compute_py_reads_what_lies_beside_it_by_name_and_by_path(
    application: Application,
) -> None:
    folder = application.folder / "compute"
    (folder / "prices.csv").write_text("42")
    (folder / "prices_reader.py").write_text(
        "from pathlib import Path\n"
        "def read(): return [Path('prices.csv').read_text(),"
        " Path(__file__).with_name('prices.csv').read_text()]"
    )
    (folder / "compute.py").write_text(
        "import prices_reader\n"
        "def compute(item, parameters): return {'prices': prices_reader.read()}"
    )
    assert results(application, "beside")["b"]["result"] == {"prices": ["42", "42"]}
