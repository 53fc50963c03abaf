"""A run that is stopped, politely or not: nothing is lost, the next run continues."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from application import BATCHCTL, Application
from left_in_cloud import left
from typed import Terminal

pytestmark = pytest.mark.e2e


def started(application: Application, *arguments: str) -> subprocess.Popen[str]:
    # A shell that runs the tests in the background has SIGINT ignored, and children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return subprocess.Popen(
        [*BATCHCTL, "--local", *arguments],
        cwd=application.folder,
        env=application.environment,
        stderr=subprocess.PIPE,
        text=True,
    )


def stopped_after(application: Application, line: str, number: int, *arguments: str) -> int:
    """Run a command, send it a signal when it prints `line`, return its exit code."""
    with started(application, *arguments) as process:
        assert process.stderr is not None
        for text in process.stderr:
            if line in text:
                process.send_signal(number)
                break
        process.stderr.read()
        return process.wait(60)


@contextmanager
def frozen(application: Application) -> Iterator[None]:
    """The local cloud takes connections and answers none: every call hangs."""
    group = os.getpgid(application.running.pid)
    os.killpg(group, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(group, signal.SIGCONT)


@pytest.mark.parametrize(
    "line", ["[12/", *(pytest.param(n, marks=pytest.mark.exhaustive) for n in ("[1/", "[30/"))]
)
def test_ctrl_c_ends_up_with_130_and_the_next_up_continues(
    application: Application, line: str
) -> None:
    assert stopped_after(application, line, signal.SIGINT, "up", "--yes", "-v") == 130
    assert list((application.folder / ".batchctl" / "local").glob("*.state.json"))
    application.local("up", "--yes")
    assert "no changes" in application.local("plan").stdout
    application.local("down", "--yes")
    assert left(application) == {"roles": ["AWSServiceRoleForBatch"]}


@pytest.mark.exhaustive
def test_a_second_ctrl_c_ends_at_once_though_calls_hang_and_the_next_up_continues(
    application: Application,
) -> None:
    with Terminal(application, "--local", "up", "--yes", "-v") as terminal:
        terminal.read_until("[5/")
        with frozen(application):
            terminal.press_ctrl_c()
            terminal.read_until("Ctrl-C again: stop at once")
            assert not terminal.has_ended_within(0.5)
            pressed = time.monotonic()
            terminal.press_ctrl_c()
            assert terminal.exit_code() == 130
            assert time.monotonic() - pressed < 1
        assert "the next run continues from the state" in terminal.shown
        assert terminal.shows_its_cursor
    application.local("up", "--yes")
    assert "no changes" in application.local("plan", "--exit-code").stdout
    application.local("down", "--yes")
    assert left(application) == {"roles": ["AWSServiceRoleForBatch"]}


@pytest.mark.exhaustive
def test_ctrl_c_while_waiting_for_a_job_leaves_the_job_running_and_says_so(
    application: Application, tmp_path: Path
) -> None:
    application.local("up", "--yes")
    items = tmp_path / "items.txt"
    items.write_text("\n".join(f"S{number}" for number in range(20)))
    arguments = ("submit", "--job-id", "long", "--universe-file", str(items), "--wait")
    assert stopped_after(application, "items done", signal.SIGINT, *arguments) == 130
    application.local(*arguments)
    assert application.request("GET", "/v1/tasks/long").body["status"] == "SUCCEEDED"
