"""Local tasks have the packages that compute.py needs; what is missing is named."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from application import Application
from wheels import write_wheel

# tests/local/test_task_packages.py installs them, tests/runner names what is missing.
pytestmark = [pytest.mark.e2e, pytest.mark.exhaustive]

COMPUTE = """
import arithmetic

def compute(item: str, parameters: dict) -> dict:
    if item == "MISSING":
        import no_such_package
    return {"package": arithmetic.VERSION}
"""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What pip finds: a package in two versions."""
    folder = tmp_path_factory.mktemp("index")
    for version in ("1.5", "1.6"):
        write_wheel(folder, "arithmetic", version)
    return folder


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory, index: Path) -> Iterator[Application]:
    """An application whose compute.py needs a package that isn't installed here, up."""
    # No machine has that one.
    settings = 'compute: {python: "3.99"}\n'
    made = Application.make(tmp_path_factory.mktemp("application"), settings)
    (made.folder / "compute").mkdir()
    (made.folder / "compute" / "compute.py").write_text(COMPUTE)
    (made.folder / "compute" / "requirements.txt").write_text("arithmetic<1.6\n")
    cache = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        # boto3, which the runner needs, comes from the index that this machine is set up for.
        patch.setenv("PIP_FIND_LINKS", str(index))
        patch.setenv("XDG_CACHE_HOME", str(cache))
        try:
            made.local("up", "--yes")
            yield made
        finally:
            made.run("local", "stop")


def results(application: Application, job_id: str, item: str) -> dict[str, object]:
    """Run a job of one item to its end and return what came of it."""
    submit = ("submit", "--job-id", job_id, "--universe", item, "--wait")
    application.local(*submit, check=False)
    (found,) = json.loads(application.local("results", job_id, "--format", "json").stdout)
    answer: dict[str, object] = found
    return answer


def test_a_task_imports_the_package(application: Application) -> None:
    assert results(application, "first", "A")["result"] == {"package": "1.5"}


def test_other_requirements_count_from_the_next_up_on(application: Application) -> None:
    (application.folder / "compute" / "requirements.txt").write_text("arithmetic==1.6\n")
    shown = application.local("up", "--yes").stderr
    assert "installing the packages of compute.py for local tasks" in shown
    assert results(application, "second", "A")["result"] == {"package": "1.6"}
    again = application.local("up", "--yes").stderr
    assert "installing" not in again
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    said = f"local tasks run with Python {here}, the image has 3.99 (`compute.python`)"
    assert said in again


def test_a_missing_package_is_named_with_where_to_add_it(application: Application) -> None:
    error = str(results(application, "third", "MISSING")["error"])
    assert error.startswith("ModuleNotFoundError: No module named 'no_such_package'")
    assert error.endswith(
        "; add `no_such_package` to requirements.txt beside compute.py, then run `batchctl up`"
    )


def test_packages_that_cannot_be_had_stop_up_before_it_changes_anything(
    application: Application,
) -> None:
    requirements = application.folder / "compute" / "requirements.txt"
    before = requirements.read_text()
    requirements.write_text("arithmetic==9\n")
    failed = application.local("up", "--yes", check=False)
    assert failed.returncode == 1
    assert "could not install the packages of compute.py for local tasks" in failed.stderr
    requirements.write_text(before)
    assert results(application, "fourth", "A")["result"] == {"package": "1.6"}
