"""The processes of a task: what it begins as, and that all of it ends."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from attempt_doubles import TIMEOUT_S, Groups

from batchctl.local.batch.running.attempt_runner import inherited
from batchctl.local.control.record import command_line
from batchctl.local.tasks.descendants import descendants
from batchctl.local.tasks.keeping import ForkServer, KeptTask, LaunchError
from batchctl.packaging import RUNNER_COMMAND, RUNNER_FOLDER, runner_files

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems have no keepers")

PROBE = """
import json, os, random, resource, signal, sys
seen = {
    "argv": sys.argv, "path": sys.path, "flags": list(sys.flags), "file": __file__,
    "name": __name__, "module": sys.modules["__main__"].__file__, "spec": __spec__.name,
    "folder": os.getcwd(), "environment": dict(os.environ), "umask": os.umask(0),
    "limits": [resource.getrlimit(each) for each in (resource.RLIMIT_NOFILE, resource.RLIMIT_CORE)],
    "signals": {int(each): str(signal.getsignal(each)) for each in (1, 2, 13, 15, 17)},
    "descriptors": [each for each in os.listdir("/proc/self/fd")],
    "leads_a_session": os.getsid(0) == os.getpid() == os.getpgid(0),
    "stdin": os.readlink("/proc/self/fd/0"), "buffering": sys.stdout.write_through,
    "encoding": sys.stdout.encoding, "threads": len(os.listdir("/proc/self/task")),
    "ours": sorted(each for each in sys.modules if each.startswith("batchctl.local")),
    "compute": "compute" in sys.modules,
}
print(json.dumps(seen))
print(json.dumps({"random": random.random(), "python": sys.executable}))
"""
RUNNER = [sys.executable, *RUNNER_COMMAND[1:]]


class Bench:
    """A fork server, and a folder that tasks run in."""

    def __init__(self, directory: Path, variables: Mapping[str, str] | None = None) -> None:
        self.variables = inherited() if variables is None else variables
        self.groups, self.runner, self.work = Groups(), directory / "runner", directory / "work"
        self.runner.mkdir()
        self.work.mkdir()
        (self.work / RUNNER_FOLDER).symlink_to(self.runner)
        (self.runner / "__main__.py").write_text(PROBE)
        self.server = ForkServer(sys.executable, self.runner, self.variables, self.groups)

    def launch(self, *command: str, **variables: str) -> KeptTask:
        return self.server.launch(list(command), self.work, {**self.variables, **variables})

    def run(self, *command: str, **variables: str) -> tuple[int, list[str]]:
        launched = self.launch(*command, **variables)
        with launched.output as output:
            lines = output.read().decode().splitlines()
        return launched.wait(), lines

    def probed(self, *arguments: str, **variables: str) -> list[Any]:
        code, lines = self.run(*RUNNER, *arguments, **variables)
        assert code == 0, lines
        return [json.loads(line) for line in lines]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.server.close()
    assert sorted(bench.groups.forgotten) == sorted(bench.groups.watched)


def is_gone(pid: int) -> bool:
    """Return whether a process ends soon."""
    deadline = time.monotonic() + TIMEOUT_S
    while command_line(pid) and time.monotonic() < deadline:
        os.sched_yield()
    return not command_line(pid)


def without(seen: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in seen.items() if name not in names}


def test_a_forked_task_begins_as_one_that_python_starts_itself(bench: Bench) -> None:
    (bench.work / "compute.py").write_text("")
    forked, _ = bench.probed("--job-id", "a", COLOUR="green")
    # A variable that Python reads at its start has it started anew.
    executed, _ = bench.probed("--job-id", "a", COLOUR="green", PYTHONASYNCIODEBUG="")
    assert executed["environment"].pop("PYTHONASYNCIODEBUG") == ""
    assert forked == executed
    assert forked["argv"] == [RUNNER_FOLDER, "--job-id", "a"]
    assert forked["environment"]["COLOUR"] == "green"
    assert forked["ours"] == []
    assert forked["compute"] is False


def test_a_task_without_a_locale_has_that_which_python_takes(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"PATH": os.environ["PATH"]})
    forked, _ = bench.probed()
    executed, _ = bench.probed(PYTHONASYNCIODEBUG="")
    assert executed["environment"].pop("PYTHONASYNCIODEBUG") == ""
    assert forked == executed
    assert forked["environment"]["LC_CTYPE"] == "C.UTF-8"
    bench.server.close()


CLIENT = """
import builtins

opened, original = [], open

def recording(path, *arguments, **more):
    opened.append(str(path))
    return original(path, *arguments, **more)

from batchctl.runner.task import dynamodb_client

builtins.open = recording
client = dynamodb_client()
print([path for path in opened if "botocore" in path])
print(client.meta.endpoint_url, client.meta.region_name)
"""


def test_a_forked_task_need_not_read_again_what_describes_dynamodb(bench: Bench) -> None:
    """That takes longer than most tasks; its own variables count all the same."""
    for name, path in runner_files().items():
        (bench.runner / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, bench.runner / name)
    (bench.runner / "__main__.py").write_text(CLIENT)
    own = {"AWS_ENDPOINT_URL": "http://127.0.0.1:2", "AWS_DEFAULT_REGION": "eu-west-1"}
    code, lines = bench.run(*RUNNER, **own)
    assert (code, lines) == (0, ["[]", "http://127.0.0.1:2 eu-west-1"])


def test_forked_tasks_have_boto3_loaded_and_their_own_random_numbers(bench: Bench) -> None:
    (bench.runner / "__main__.py").write_text(
        "import random, sys; print('boto3' in sys.modules, random.random())"
    )
    (_, first), (_, second) = bench.run(*RUNNER), bench.run(*RUNNER)
    assert first[0].startswith("True ")
    assert first != second


def test_a_forked_task_ends_as_python_does(bench: Bench) -> None:
    main = bench.runner / "__main__.py"
    main.write_text("import atexit, sys; atexit.register(print, 'at exit'); sys.exit(7)")
    assert bench.run(*RUNNER) == (7, ["at exit"])
    main.write_text(
        "import threading, time, sys; print('part', end='');"
        "threading.Thread(target=lambda: (time.sleep(0.1), print(' whole'))).start();"
        "sys.exit('said')"
    )
    code, lines = bench.run(*RUNNER)
    assert (code, sorted(lines)) == (1, ["part whole", "said"]) or lines == ["partsaid", " whole"]
    main.write_text("import os; os._exit(9)")
    assert bench.run(*RUNNER) == (9, [])
    main.write_text("raise LookupError('none')")
    code, lines = bench.run(*RUNNER)
    assert (code, lines[-1]) == (1, "LookupError: none")
    main.write_text("import os; os.kill(os.getpid(), 11)")
    assert bench.run(*RUNNER)[0] == 128 + signal.SIGSEGV


def test_the_server_has_one_thread_and_none_of_what_tasks_load(bench: Bench) -> None:
    main = bench.runner / "__main__.py"
    main.write_text("import sys, wave; print(len(sys.modules['wave'].__name__))")
    assert bench.run(*RUNNER) == (0, ["4"])
    main.write_text("import sys; print('wave' in sys.modules)")
    assert bench.run(*RUNNER) == (0, ["False"])
    server = bench.groups.watched[0]
    assert len(list(Path(f"/proc/{server}/task").iterdir())) == 1


BY_PYTHON = "import subprocess as s; print(s.Popen(['sleep', '600'], start_new_session=True).pid)"


@pytest.mark.parametrize(
    "command",
    [
        "sleep 600 & echo $!",
        "setsid sleep 600 & echo $!",
        "setsid sh -c '(setsid sleep 600 & echo $!) &'; sleep 0.2",
        f'{sys.executable} -c "{BY_PYTHON}"',
    ],
)
def test_what_a_task_leaves_ends_with_it_in_any_session(bench: Bench, command: str) -> None:
    code, lines = bench.run("sh", "-c", command)
    assert code == 0
    assert command_line(int(lines[0])) == ""


def test_kill_ends_everything_and_terminate_asks_the_command_alone(bench: Bench) -> None:
    script = "trap 'echo asked' TERM; setsid sleep 600 & echo $!; wait; wait"
    launched = bench.launch("sh", "-c", script)
    other = int(launched.output.readline())
    launched.send_signal(signal.SIGTERM)
    assert launched.output.readline() == b"asked\n"
    assert command_line(other)
    launched.send_signal(signal.SIGKILL)
    assert launched.wait() == 137
    assert command_line(other) == ""
    launched.send_signal(signal.SIGKILL)
    launched.output.close()


def test_everything_ends_with_the_process_that_started_it(bench: Bench, tmp_path: Path) -> None:
    program = f"""
import os, signal, sys
sys.path[:0] = {sys.path!r}
from pathlib import Path
from attempt_doubles import Groups
from batchctl.local.tasks.keeping import ForkServer
server = ForkServer(sys.executable, Path({str(bench.runner)!r}), {inherited()!r}, Groups())
script = "setsid sleep 600 & echo $!; wait"
task = server.launch(["sh", "-c", script], Path({str(tmp_path)!r}), {inherited()!r})
print(int(task.output.readline()), task.keeper, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    code, lines = bench.run(sys.executable, "-c", program)
    assert code == 137
    assert all(is_gone(int(pid)) for pid in lines[0].split())


def test_a_killed_server_is_started_again_and_its_tasks_go_on(bench: Bench) -> None:
    os.mkfifo(bench.work / "go")
    running = bench.launch("sh", "-c", "read line < go; echo on")
    os.kill(bench.groups.watched[0], signal.SIGKILL)
    assert is_gone(bench.groups.watched[0])
    assert bench.run("echo", "again") == (0, ["again"])
    running.send_signal(signal.SIGKILL)
    assert running.wait() == 137
    running.output.close()


def test_an_order_that_a_server_takes_while_it_is_killed_is_given_again(bench: Bench) -> None:
    server = bench.groups.watched[0]
    os.kill(server, signal.SIGSTOP)  # it takes the order, and does nothing about it
    killing = threading.Timer(0.2, os.kill, (server, signal.SIGKILL))
    killing.start()
    assert bench.run("echo", "again") == (0, ["again"])
    killing.join()


@pytest.mark.parametrize(
    ("program", "text"), [("no-such-program", "No such file"), ("/", "Permission denied")]
)
def test_a_command_that_cannot_be_run_says_why(bench: Bench, program: str, text: str) -> None:
    with pytest.raises(LaunchError, match=text):
        bench.launch(program)


def test_a_killed_keeper_takes_its_task_along(bench: Bench) -> None:
    launched = bench.launch("sleep", "600")
    task = next(descendants(launched.keeper))
    os.kill(launched.keeper, signal.SIGKILL)
    assert launched.wait() == 137
    assert is_gone(task)
    launched.output.close()
