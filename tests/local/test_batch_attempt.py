"""One attempt with real processes; only the account is scripted."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from attempt_doubles import (
    TIMEOUT_S,
    Ending,
    Groups,
    RecordingAccount,
    close,
    files_in,
    launcher,
)

from batchctl.local.batch.running.attempt_runner import AttemptRunner, TaskEnvironment, inherited
from batchctl.local.batch.running.executor import ProcessExecutor
from batchctl.local.batch.running.memory import OUT_OF_MEMORY
from batchctl.local.batch.running.task import Handle, Outcome, Task
from batchctl.local.control.record import command_line
from batchctl.local.tasks.direct import DirectLauncher


class Bench:
    """Runs shell commands as attempts in a directory."""

    def __init__(self, directory: Path) -> None:
        self.account, self.groups, self.ending = RecordingAccount(), Groups(), Ending()
        self.problems: dict[str, str] = {}
        self.cloud, self.picture = directory / "cloud", directory / "compute"
        self.picture.mkdir()
        self.cloud.mkdir()
        self.launcher = launcher(directory / "runner", self.groups)
        files = files_in(directory)
        executor = ProcessExecutor(self.launcher, files, self.problems.get)
        environment = TaskEnvironment("http://127.0.0.1:1", inherited())
        self.runner = AttemptRunner(self.account, executor, environment, time.time)

    def run(self, *command: str, role_arn: str | None = None, memory_mib: int = 512) -> Handle:
        wanted = replace(task(*command), role_arn=role_arn, memory_mib=memory_mib)
        return self.runner.run(wanted, self.ending)


def task(*command: str) -> Task:
    return Task(
        id="task-1",
        job_id="job-1",
        image="image",
        command=command,
        environment={"AWS_BATCH_JOB_ID": "job-1", "COLOUR": "green"},
        role_arn=None,
        vcpus=1,
        memory_mib=512,
        log_group="/group",
        log_stream="stream",
    )


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    assert not list((bench.cloud / "tasks").glob("*"))
    assert not list((bench.cloud / "temporary").glob("*"))
    close(bench.launcher)
    assert sorted(bench.groups.forgotten) == sorted(bench.groups.watched)


def test_a_task_has_the_python_of_the_user_and_not_the_clouds(tmp_path: Path) -> None:
    python = tmp_path / "users-python"
    python.write_text("#!/bin/sh\necho the python of the user: $*\n")
    python.chmod(0o755)
    (tmp_path / "compute").mkdir()
    started = DirectLauncher(Groups())
    executor = ProcessExecutor(started, files_in(tmp_path), python=lambda: str(python))
    for name in ("python", "python3"):
        process = executor.start(task(name, "runner.py"), {})
        assert process.output.read() == b"the python of the user: runner.py\n"
        process.output.close()
        assert process.wait().exit_code == 0


def is_gone(process_id: int) -> bool:
    """Return whether a process ends soon (a killed one takes a moment)."""
    deadline = time.monotonic() + TIMEOUT_S
    while command_line(process_id) and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    return not command_line(process_id)


def test_stdout_and_stderr_come_line_by_line_into_the_log_stream(bench: Bench) -> None:
    bench.run("sh", "-c", "echo one; echo two >&2; echo; printf last")
    assert bench.ending.wait() == Outcome(exit_code=0)
    assert bench.account.messages == ["one", "two", " ", "last"]
    assert bench.account.streams == [("/group", "stream")]


def test_a_command_runs_in_a_folder_of_its_own_with_the_tasks_environment(bench: Bench) -> None:
    bench.run("sh", "-c", "pwd; echo $COLOUR $AWS_BATCH_JOB_ID $AWS_ENDPOINT_URL")
    bench.ending.wait()
    work = bench.cloud / "tasks" / "task-1" / "work"
    assert bench.account.messages == [str(work), "green job-1 http://127.0.0.1:1"]


def test_python_is_the_interpreter_that_has_boto3(bench: Bench) -> None:
    bench.run("python", "-c", "import boto3; print('ok')")
    bench.ending.wait()
    assert bench.account.messages == ["ok"]


def test_nothing_of_the_users_own_aws_configuration_reaches_a_job(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the user's own")
    monkeypatch.setenv("AWS_PROFILE", "prod")
    monkeypatch.setenv("SOME_TOKEN", "secret")
    bench.run("sh", "-c", "env; echo config $AWS_CONFIG_FILE $AWS_SHARED_CREDENTIALS_FILE")
    bench.ending.wait()
    text = "\n".join(bench.account.messages)
    assert "the user's own" not in text
    assert "AWS_PROFILE" not in text
    assert "SOME_TOKEN" not in text
    assert f"config {os.devnull} {os.devnull}" in text


def test_a_job_role_gives_credentials_and_none_gives_none(bench: Bench) -> None:
    bench.run("sh", "-c", "echo $AWS_ACCESS_KEY_ID $AWS_SESSION_TOKEN", role_arn="role-1")
    bench.ending.wait()
    assert bench.account.messages == ["role-1 task-1"]


def test_a_job_without_a_role_has_no_credentials(bench: Bench) -> None:
    bench.run("sh", "-c", "echo ${AWS_ACCESS_KEY_ID-none} $AWS_EC2_METADATA_DISABLED")
    bench.ending.wait()
    assert bench.account.messages == ["none true"]


def test_the_exit_code_is_that_of_the_command(bench: Bench) -> None:
    bench.run("sh", "-c", "exit 7")
    assert bench.ending.wait().exit_code == 7


def test_a_signal_gives_the_exit_code_of_a_shell(bench: Bench) -> None:
    handle = bench.run("sleep", "60")
    bench.ending.has_started.wait(TIMEOUT_S)
    handle.kill()
    assert bench.ending.wait().exit_code == 137


def test_terminate_reaches_the_children_of_the_command_too(bench: Bench) -> None:
    handle = bench.run("sh", "-c", "sleep 60 & echo $!; wait")
    wait_for_messages(bench, 1)
    handle.terminate()
    assert bench.ending.wait().exit_code == 143
    assert is_gone(int(bench.account.messages[0]))


def test_what_a_command_leaves_running_ends_with_it(bench: Bench) -> None:
    bench.run("sh", "-c", "sleep 60 & echo $!")
    assert bench.ending.wait().exit_code == 0
    assert is_gone(int(bench.account.messages[0]))


def test_terminate_before_the_process_is_there_is_not_lost(bench: Bench) -> None:
    go_on = threading.Event()
    original = bench.account.create_log_stream

    def slow(group: str, stream: str) -> None:
        go_on.wait(TIMEOUT_S)
        original(group, stream)

    bench.account.create_log_stream = slow  # type: ignore[method-assign]  # a slow service
    handle = bench.run("sleep", "60")
    handle.terminate()
    go_on.set()
    assert bench.ending.wait().exit_code == 143


@pytest.mark.parametrize("command", [("python", "-P", ".batchctl-runner"), ()])
def test_the_runners_folder_stands_for_that_of_an_image_and_is_what_runs_without_a_command(
    bench: Bench, command: tuple[str, ...]
) -> None:
    main = "import os, sys; print(sys.path[0], os.getcwd() in sys.path, sys.executable)"
    (bench.cloud.parent / "runner" / "__main__.py").write_text(main)
    bench.run(*command)
    assert bench.ending.wait() == Outcome(exit_code=0)
    folder = bench.cloud / "tasks" / "task-1" / "work" / ".batchctl-runner"
    assert bench.account.messages == [f"{folder} False {sys.executable}"]


@pytest.mark.parametrize(
    ("command", "text"),
    [(("no-such-program",), "No such file"), (("/",), "Permission denied")],
)
def test_a_command_that_cannot_be_run_says_why(
    bench: Bench, command: tuple[str, ...], text: str
) -> None:
    bench.run(*command)
    outcome = bench.ending.wait()
    assert outcome.exit_code is None
    assert outcome.reason is not None
    assert text in outcome.reason
    assert not bench.ending.has_started.is_set()


def test_a_missing_log_group_fails_the_start(bench: Bench) -> None:
    bench.account.missing_group = True
    bench.run("true")
    assert bench.ending.wait().reason == "CannotStartContainerError: no log group /group"


def test_logs_that_cannot_be_written_end_the_attempt_and_its_process(bench: Bench) -> None:
    def refuse(group: str, stream: str, events: object) -> None:
        raise OSError("gateway gone")

    bench.account.put_log_events = refuse  # type: ignore[method-assign]  # a broken service
    bench.run("sh", "-c", "echo one; sleep 60")
    outcome = bench.ending.wait()
    assert outcome.reason == "CannotStartContainerError: gateway gone"
    assert is_gone(bench.groups.watched[-1])


def test_a_very_long_line_is_cut_in_pieces(bench: Bench) -> None:
    bench.run("python", "-c", "print('x' * 450_000)")
    bench.ending.wait()
    assert [len(message) for message in bench.account.messages] == [200_000, 200_000, 50_000]


def wait_for_messages(bench: Bench, count: int) -> None:
    """Wait until the attempt has logged as many lines."""
    deadline = time.monotonic() + TIMEOUT_S
    while len(bench.account.messages) < count:
        assert time.monotonic() < deadline
        bench.ending.has_ended.wait(0.02)


GROWING = "import time; held = bytearray(200 << 20); time.sleep(600)"
needs_linux = pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="only Linux tells what a process holds"
)


@needs_linux
def test_what_takes_more_than_its_memory_is_killed_as_on_aws(bench: Bench) -> None:
    bench.run("python", "-c", GROWING, memory_mib=100)
    assert bench.ending.wait() == Outcome(exit_code=137, reason=OUT_OF_MEMORY)


@needs_linux
def test_the_memory_of_what_a_command_starts_counts(bench: Bench) -> None:
    bench.run("sh", "-c", f"{sys.executable} -c '{GROWING}'; exit 3", memory_mib=100)
    assert bench.ending.wait() == Outcome(exit_code=3, reason=OUT_OF_MEMORY)


def test_a_killed_process_is_not_out_of_memory(bench: Bench) -> None:
    bench.run("sh", "-c", "kill -9 $$")
    assert bench.ending.wait() == Outcome(exit_code=137)


def test_an_image_that_cannot_be_pulled_starts_nothing(bench: Bench) -> None:
    bench.problems["image"] = "no such image"
    bench.run("touch", "started")
    assert bench.ending.wait() == Outcome(reason="CannotPullContainerError: no such image")
    assert not bench.ending.has_started.is_set()
