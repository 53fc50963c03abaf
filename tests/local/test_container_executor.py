"""Tasks in real containers; only the account is scripted."""

from __future__ import annotations

import shlex
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from attempt_doubles import Ending, Groups, RecordingAccount
from podman_here import SHELL_PROGRAMS, Podman, temporary_podman, why_not

from batchctl.local.batch.running.attempt_runner import AttemptRunner, TaskEnvironment
from batchctl.local.batch.running.container_executor import ContainerExecutor, Registry
from batchctl.local.batch.running.memory import OUT_OF_MEMORY
from batchctl.local.batch.running.task import Handle, Outcome, Task
from batchctl.local.owned_containers import OwnedContainers
from batchctl.local.reaper import Reaper

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(bool(why_not()), reason=f"podman can't run: {why_not()}"),
]

TIMEOUT_S = 60.0
IMAGE = "localhost/shell:1"
TASK = Task("task-1", "job-1", IMAGE, (), {"COLOUR": "green"}, None, 1, 64, "/group", "stream")


@pytest.fixture(scope="module")
def podman() -> Iterator[Podman]:
    """Podman with an image that has a shell."""
    with temporary_podman() as podman, pytest.MonkeyPatch.context() as patch:
        podman.import_programs(IMAGE, *SHELL_PROGRAMS)
        patch.setattr(tempfile, "tempdir", str(podman.folder))
        yield podman


class Bench:
    """Runs commands as attempts in containers."""

    def __init__(self, podman: Podman) -> None:
        self.account, self.groups, self.ending = RecordingAccount(), Groups(), Ending()
        self.podman = podman
        self.containers = OwnedContainers.parse(shlex.join(podman.command), "tests")
        registry = Registry("127.0.0.1:1", lambda: "none")
        executor = ContainerExecutor(self.containers, registry, self.groups)
        environment = TaskEnvironment("http://127.0.0.1:1", {})
        self.runner = AttemptRunner(self.account, executor, environment, time.time)

    def run(self, *command: str, task: Task = TASK) -> Handle:
        return self.runner.run(replace(task, command=command), self.ending)

    def printed(self, count: int) -> list[str]:
        """Wait until the attempt has logged as many lines, and return them."""
        deadline = time.monotonic() + TIMEOUT_S
        while len(self.account.messages) < count:
            assert time.monotonic() < deadline
            self.ending.has_ended.wait(0.02)
        return self.account.messages


@pytest.fixture
def bench(podman: Podman) -> Iterator[Bench]:
    bench = Bench(podman)
    yield bench
    assert bench.groups.forgotten == bench.groups.watched
    assert podman.containers() == []


def test_a_container_has_the_tasks_environment_and_nothing_of_this_machines(
    podman: Podman, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_TOKEN", "secret")
    bench = Bench(podman)
    bench.run("env", task=replace(TASK, role_arn="role-1"))
    assert bench.ending.wait() == Outcome(exit_code=0)
    found = dict(line.split("=", 1) for line in bench.account.messages)
    assert found["COLOUR"] == "green"
    assert found["AWS_ACCESS_KEY_ID"] == "role-1"
    assert found["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    assert "SOME_TOKEN" not in found


def test_both_outputs_are_logged_and_the_exit_code_is_the_programs(bench: Bench) -> None:
    bench.run("sh", "-c", "echo one; echo error >&2; echo two; exit 7")
    assert bench.ending.wait() == Outcome(exit_code=7)
    assert sorted(bench.account.messages) == ["error", "one", "two"]
    assert bench.account.messages.index("one") < bench.account.messages.index("two")


@pytest.mark.parametrize("code", [125, 126, 127])
def test_an_exit_code_of_the_engines_own_is_the_programs_when_it_ran(
    bench: Bench, code: int
) -> None:
    bench.run("sh", "-c", f"exit {code}")
    assert bench.ending.wait() == Outcome(exit_code=code)


def test_more_memory_than_asked_for_ends_with_137_and_batchs_reason(bench: Bench) -> None:
    bench.run("sh", "-c", "head -c 200m /dev/zero | tail -c 150m >/dev/null; exit $?")
    assert bench.ending.wait() == Outcome(137, OUT_OF_MEMORY)


def test_the_limits_are_memory_without_swap_and_shares_of_the_processors(bench: Bench) -> None:
    bench.run("sleep", "60", task=replace(TASK, vcpus=2, memory_mib=96))
    assert bench.ending.has_started.wait(TIMEOUT_S)
    (name,) = bench.containers.names()
    form = "{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.CpuShares}}"
    limits = bench.podman.run("inspect", "--format", form, name).split()
    assert limits == [str(96 * 2**20), str(96 * 2**20), "2048"]
    bench.containers.engine.remove(name)
    bench.ending.wait()


def test_the_user_is_the_definitions(bench: Bench) -> None:
    bench.run("id", "-u", task=replace(TASK, user="65534:65534"))
    bench.ending.wait()
    assert bench.account.messages == ["65534"]


def test_terminate_lets_the_program_end_itself(bench: Bench) -> None:
    handle = bench.run("sh", "-c", "trap 'echo bye; exit 5' TERM; echo on; sleep 60 & wait")
    bench.printed(1)
    handle.terminate()
    assert bench.ending.wait() == Outcome(exit_code=5)
    assert bench.account.messages == ["on", "bye"]


def test_a_program_that_holds_the_signal_back_is_killed_and_not_out_of_memory(
    bench: Bench,
) -> None:
    handle = bench.run("sh", "-c", "trap '' TERM; echo on; sleep 60")
    bench.printed(1)
    handle.terminate()
    handle.kill()
    assert bench.ending.wait() == Outcome(exit_code=137)


def test_a_kill_before_the_container_runs_is_not_lost(bench: Bench) -> None:
    handle = bench.run("sleep", "60")
    handle.kill()
    assert bench.ending.wait() == Outcome(exit_code=137)


def test_a_program_that_the_image_lacks_was_never_started(bench: Bench) -> None:
    bench.run("no-such-program")
    outcome = bench.ending.wait()
    assert outcome.exit_code is None
    assert str(outcome.reason).startswith("CannotStartContainerError: ")
    assert "no-such-program" in bench.account.messages[-1]


def test_an_image_that_no_registry_has_cannot_be_pulled(bench: Bench) -> None:
    ecr = "000000000000.dkr.ecr.us-east-1.amazonaws.com/none:1"
    bench.run("true", task=replace(TASK, image=ecr))
    outcome = bench.ending.wait()
    assert outcome.exit_code is None
    assert str(outcome.reason).startswith("CannotPullContainerError: 127.0.0.1:1/none:1: ")


def test_when_the_cloud_is_killed_the_guard_removes_its_containers(
    bench: Bench, podman: Podman
) -> None:
    reaper = Reaper(shlex.join(podman.command), "tests")
    podman.run("create", "--name", "foreign", "--network=host", IMAGE, "true")
    bench.run("sleep", "60")
    assert bench.ending.has_started.wait(TIMEOUT_S)
    assert len(bench.containers.names()) == 1
    reaper.close()
    bench.ending.wait()
    assert bench.containers.names() == []
    assert len(podman.containers()) == 1
    podman.run("rm", "foreign")


def test_many_tasks_at_once_end_each_with_its_own_code(podman: Podman) -> None:
    benches = [Bench(podman) for _ in range(4)]
    for number, bench in enumerate(benches):
        bench.run("sh", "-c", f"exit {number}", task=replace(TASK, id=f"task-{number}"))
    assert [bench.ending.wait().exit_code for bench in benches] == [0, 1, 2, 3]
