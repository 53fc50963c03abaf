"""Completion: the script for each shell, and job ids from the API, soon or not at all."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from api_server import ApiServer, deployed, serving
from click.testing import CliRunner, Result

from batchctl.application import recent_jobs
from batchctl.cli import main

Batchctl = Callable[..., Result]
TASKS = {"total": 1, "pending": 0, "running": 0, "succeeded": 1, "failed": 0}


@pytest.fixture
def served(folder: Path) -> Iterator[ApiServer]:
    """An API with the jobs risk-1, risk-2 and demo-1."""
    made = {"status": "SUCCEEDED", "created_at": "2026-11-28T10:00:00.000000Z", "items": 1}
    names = ("risk-2", "risk-1", "demo-1")
    with serving() as api:
        api.body = json.dumps(
            {"jobs": [{"job_id": name, "tasks": TASKS, **made} for name in names]}
        ).encode()
        deployed(folder, api, "none")
        yield api


def completed(*words: str) -> list[str]:
    """What bash is offered for the last of these words."""
    environment = {
        "_BATCHCTL_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(("batchctl", *words)),
        "COMP_CWORD": str(len(words)),
    }
    offered = CliRunner().invoke(main, [], prog_name="batchctl", env=environment).stdout
    return [line.partition(",")[2] for line in offered.splitlines() if line]


@pytest.mark.parametrize("command", ["show", "results", "watch", "logs", "why", "cancel", "retry"])
@pytest.mark.usefixtures("served")
def test_job_ids_are_completed(command: str) -> None:
    assert completed(command, "risk") == ["risk-2", "risk-1"]


@pytest.mark.usefixtures("served")
def test_the_application_is_the_one_that_the_line_names(folder: Path) -> None:
    assert completed("--local", "show", "risk") == []
    assert completed("show", "--local", "risk") == []
    assert completed("--config", str(folder / "config.yaml"), "show", "demo") == ["demo-1"]


def test_commands_are_completed() -> None:
    assert completed("resu") == ["results"]


@pytest.mark.usefixtures("served")
def test_an_api_that_is_slow_completes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent_jobs, "WAIT_S", 0.0)
    began = time.monotonic()
    assert completed("show", "risk") == []
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("broken", ["name: [", "nmae: x"])
def test_a_folder_that_is_wrong_completes_nothing(folder: Path, broken: str) -> None:
    (folder / "config.yaml").write_text(broken)
    assert completed("show", "risk") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_of_the_shell_and_asks_batchctl(batchctl: Batchctl, shell: str) -> None:
    script = batchctl("completion", shell)
    assert script.exit_code == 0, script.stderr
    assert f"_BATCHCTL_COMPLETE={shell}_complete" in script.stdout


def test_bash_takes_the_script() -> None:
    command = [sys.executable, "-m", "batchctl", "completion", "bash"]
    script = subprocess.run(command, check=True, capture_output=True).stdout
    subprocess.run(["bash", "-c", script + b"\ncomplete -p batchctl"], check=True)


def test_another_shell_is_refused(batchctl: Batchctl) -> None:
    assert batchctl("completion", "csh").exit_code == 2
