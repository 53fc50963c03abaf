"""The Python of local tasks: with the packages of compute.py, made once for them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from wheels import write_wheel

from batchctl.errors import BatchctlError
from batchctl.image.dependencies import Dependencies
from batchctl.local.environment.installation import interpreter_for
from batchctl.local.environment.packages import prepare
from batchctl.local.environment.task_python import python_of_tasks, record_python

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
NEEDS = Dependencies("requirements.txt", ("arithmetic",))
OWN = ("ours",)


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a local cloud; pip finds two packages, and there is no uv."""
    index = tmp_path / "index"
    write_wheel(index, "arithmetic", "1.5")
    write_wheel(index, "ours")
    settings = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(index), "PIP_CONFIG_FILE": "/dev/null"}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    (tmp_path / "cloud").mkdir()
    return tmp_path / "cloud"


def environments(cloud: Path) -> list[str]:
    """What of environments is in the cache."""
    found = (cloud.parent / "cache" / "batchctl").glob("tasks-*")
    return [each.name for each in found if each.suffix != ".lock"]


def test_without_packages_tasks_have_the_users_own_python(cloud: Path) -> None:
    lines: list[str] = []
    record_python(cloud, Path("/another/python"))
    assert prepare(cloud, Dependencies(), OWN, "3.13", lines.append) == HERE
    assert python_of_tasks(cloud, sys.executable) == sys.executable
    assert lines == []


def test_packages_are_installed_once_and_a_failure_leaves_what_there_is(cloud: Path) -> None:
    lines: list[str] = []
    assert prepare(cloud, NEEDS, OWN, HERE, lines.append) == HERE
    python = python_of_tasks(cloud, sys.executable)
    assert python != sys.executable
    program = "import arithmetic, ours; print(arithmetic.VERSION)"
    done = subprocess.run([python, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "1.5\n"
    assert len(lines) == 1

    prepare(cloud, NEEDS, OWN, HERE, lines.append)
    assert len(lines) == 1, "it is kept"

    missing = Dependencies("compute.py", ("no-such-package",))
    with pytest.raises(BatchctlError, match="no-such-package") as raised:
        prepare(cloud, missing, OWN, HERE, lines.append)
    assert "`compute.py`" in str(raised.value.hint)
    assert python_of_tasks(cloud, sys.executable) == python
    assert len(environments(cloud)) == 1


def test_a_python_that_is_gone_is_none(cloud: Path) -> None:
    record_python(cloud, cloud / "gone")
    assert python_of_tasks(cloud, "/usr/bin/python3") == "/usr/bin/python3"


def test_the_wanted_version_is_taken_from_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "python3.99"
    other.write_text("#!/bin/sh\necho 3.99\n")
    other.chmod(0o755)
    shim = tmp_path / "python3.97"
    shim.write_text("#!/bin/sh\necho no such version here >&2\nexit 127\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert interpreter_for("3.99") == str(other)
    assert interpreter_for("3.98") == sys.executable
    assert interpreter_for("3.97") == sys.executable
    assert interpreter_for(HERE) == sys.executable
