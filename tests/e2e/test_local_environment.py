"""A user whose boto3 is newer than the local cloud's: two environments, really installed.

It takes a package index, from which some 30 packages come; where there is none it skips.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import venv
from pathlib import Path

import pytest
from application import Application
from packaging.version import Version

from batchctl.local.environment import choice

pytestmark = [pytest.mark.e2e, pytest.mark.exhaustive]

REPOSITORY = Path(__file__).parents[2]
SOURCES = ("batchctl", "handlers", "compute", "config.yaml", "setup.py", "LICENSE")
COMPUTE = """
import sys, boto3
def compute(item, parameters):
    return [sys.prefix, boto3.__version__]
"""


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's environment with batchctl and a newer boto3; the cache directory is beside it."""
    folder = tmp_path_factory.mktemp("user")
    venv.create(folder / "env", with_pip=True, symlinks=True)
    python = folder / "env" / "bin" / "python"
    newer = f"boto3>{choice.versions()['boto3']}"
    ask = [python, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, newer]
    if subprocess.run(ask, check=False, capture_output=True).returncode:
        pytest.skip("there is no package index here, or no newer boto3 in it")
    for name in SOURCES:
        source, copy = REPOSITORY / name, folder / "sources" / name
        if source.is_dir():
            shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy)
    install = [python, "-m", "pip", "install", "--quiet", f"{folder / 'sources'}[local]", newer]
    subprocess.run(install, check=True, capture_output=True)
    return folder


@pytest.fixture
def environment(user: Path) -> dict[str, str]:
    """The variables of the user's shell; a cache directory that nobody else has."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | {"XDG_CACHE_HOME": str(user / "cache")}


@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_a_job_has_the_users_boto3_while_the_cloud_has_its_own(
    user: Path, environment: dict[str, str], tmp_path: Path, installer: str
) -> None:
    if installer == "uv" and shutil.which("uv") is None:
        pytest.skip("there is no uv here")
    shutil.rmtree(user / "cache", ignore_errors=True)
    path = environment["PATH"].split(os.pathsep)
    if installer == "pip":
        path = [folder for folder in path if not Path(folder, "uv").exists()]
    variables = environment | {"PATH": os.pathsep.join(path)}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        batchctl = str(user / "env" / "bin" / "batchctl")
        done = subprocess.run(
            [batchctl, *arguments],
            cwd=tmp_path,
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        return done

    run("init")
    (tmp_path / "compute" / "compute.py").write_text(COMPUTE)
    (tmp_path / "config.yaml").unlink()
    Application.make(tmp_path)
    try:
        assert "installing the local cloud" in run("--local", "up", "--yes").stderr
        run("--local", "submit", "--job-id", "a", "--universe", "x", "--wait")
        (result,) = json.loads(run("--local", "results", "a", "--json").stdout)
        status = json.loads(run("local", "status", "--json").stdout)
        cloud = Path(f"/proc/{status['pid']}/cmdline").read_text().split("\0")[0]
        run("local", "stop")
        assert "installing" not in run("local", "start").stderr
    finally:
        run("local", "stop")
    prefix, version = result["result"]
    assert prefix == str(user / "env")
    assert Version(version) > Version(choice.versions()["boto3"])
    asked = [cloud, "-c", "import boto3, ministack; print(boto3.__version__)"]
    own = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    assert own == choice.versions()["boto3"]
    assert Path(cloud).is_relative_to(user / "cache")
