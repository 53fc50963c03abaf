"""A user whose boto3 is newer than the local cloud's: two environments, really installed.

It takes a package index, from which some 30 packages come; where there is none it skips.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import venv
from dataclasses import dataclass
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
    return {"prefix": sys.prefix, "boto3": boto3.__version__}
"""


@dataclass(frozen=True)
class User:
    """A user's environment with batchctl and a newer boto3; the cache directory is beside it."""

    folder: Path

    @property
    def environment(self) -> Path:
        return self.folder / "env"

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    def run(self, *command: str, **variables: str) -> str:
        """Run a program of the environment in the project; return what it prints, all together."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        done = subprocess.run(
            [str(self.environment / "bin" / command[0]), *command[1:]],
            cwd=self.folder / "project",
            env=kept | {"XDG_CACHE_HOME": str(self.cache)} | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def cloud_python(self) -> str:
        """Return the interpreter of the running cloud."""
        status = json.loads(self.run("batchctl", "local", "status", "--json"))
        return Path(f"/proc/{status['pid']}/cmdline").read_text().split("\0")[0]


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> User:
    """A user with a project."""
    user = User(tmp_path_factory.mktemp("user"))
    venv.create(user.environment, with_pip=True, symlinks=True)
    python = str(user.environment / "bin" / "python")
    newer = f"boto3>{choice.versions()['boto3']}"
    ask = [python, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", "downloads", newer]
    if subprocess.run(ask, cwd=user.folder, check=False, capture_output=True).returncode:
        pytest.skip("there is no package index here, or no newer boto3 in it")
    for name in SOURCES:
        source, copy = REPOSITORY / name, user.folder / "sources" / name
        if source.is_dir():
            shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy)
    batchctl = f"{user.folder / 'sources'}[local]"
    install = [python, "-m", "pip", "install", "--quiet", batchctl, newer]
    subprocess.run(install, check=True, capture_output=True)
    project = user.folder / "project"
    project.mkdir()
    user.run("batchctl", "init")
    (project / "compute" / "compute.py").write_text(COMPUTE)
    (project / "config.yaml").unlink()
    Application.make(project)
    return user


def path_without_uv() -> str:
    folders = os.environ["PATH"].split(os.pathsep)
    return os.pathsep.join(folder for folder in folders if not Path(folder, "uv").exists())


def own_boto3(python: str) -> str:
    """Return the version of boto3 in the cloud's environment, which has MiniStack."""
    command = [python, "-c", "import boto3, ministack; print(boto3.__version__)"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_a_job_has_the_users_boto3_while_the_cloud_has_its_own(user: User) -> None:
    path = path_without_uv()
    try:
        started = user.run("batchctl", "--local", "up", "--yes", PATH=path)
        assert "installing what the local cloud runs on" in started
        user.run("batchctl", "--local", "submit", "--job-id", "a", "--universe", "x", "--wait")
        (item,) = json.loads(user.run("batchctl", "--local", "results", "a", "--json"))
        python = user.cloud_python()
        user.run("batchctl", "local", "stop")
        assert "installing" not in user.run("batchctl", "local", "start", PATH=path)
    finally:
        user.run("batchctl", "local", "stop")
    assert item["result"]["prefix"] == str(user.environment)
    assert Version(item["result"]["boto3"]) > Version(choice.versions()["boto3"])
    assert Path(python).is_relative_to(user.cache)
    assert own_boto3(python) == choice.versions()["boto3"]


@pytest.mark.skipif(shutil.which("uv") is None, reason="there is no uv here")
def test_uv_makes_the_same_environment(user: User) -> None:
    cache = user.folder / "cache-of-uv"
    try:
        started = user.run("batchctl", "local", "start", XDG_CACHE_HOME=str(cache))
        assert "installing what the local cloud runs on" in started
        python = user.cloud_python()
    finally:
        user.run("batchctl", "local", "stop")
    assert Path(python).is_relative_to(cache)
    assert not list(Path(python).parent.glob("pip*"))
    assert own_boto3(python) == choice.versions()["boto3"]
