"""What one item does costs that item alone. Real processes: the runner, and what it starts."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest
from runner_jobs import Jobs, Runner
from slices import one_in

OTHERS = "    return {'ok': True}\n"

# What the item `a` does, and how it ends. Items b and c succeed beside it.
DEEDS = {
    "closes stdout": ("import sys; sys.stdout.close()", "SUCCEEDED", None),
    "closes stderr and raises": (
        "import sys; sys.stderr.close(); raise ValueError('no price')",
        "EXCEPTION",
        "ValueError: no price (compute.py, line 3, in compute)",
    ),
    "closes every descriptor": (
        "import os; os.closerange(0, 256)",
        "EXIT_CODE",
        "compute ended the process with exit status 1 before it returned",
    ),
    "leaves a thread": (
        "import threading, time; threading.Thread(target=time.sleep, args=(3600,)).start()",
        "SUCCEEDED",
        None,
    ),
    "exits with 0": (
        "import os; os._exit(0)",
        "EXIT_CODE",
        "compute ended the process with exit status 0 before it returned",
    ),
    "exits with 0 in C": (
        "import ctypes; ctypes.CDLL(None).exit(0)",
        "EXIT_CODE",
        "compute ended the process with exit status 0 before it returned",
    ),
    "calls sys.exit": (
        "import sys; sys.exit(0)",
        "EXCEPTION",
        "SystemExit: 0 (compute.py, line 3, in compute)",
    ),
    "kills itself": (
        "import os; os.kill(os.getpid(), 9)",
        "EXIT_CODE",
        "killed by SIGKILL before compute returned",
    ),
    "accesses no memory": (
        "import ctypes; ctypes.string_at(0)",
        "EXIT_CODE",
        "killed by SIGSEGV before compute returned",
    ),
    "terminates its group": (
        "import os, signal; os.killpg(0, signal.SIGTERM)",
        "EXIT_CODE",
        "killed by SIGTERM before compute returned",
    ),
    "kills its parent": (
        "import os, time; os.kill(os.getppid(), 9); time.sleep(60)",
        "EXIT_CODE",
        "its process is gone, and the process that kept it: something killed both",
    ),
    "forks, and both return": ("import os; os.fork()", "SUCCEEDED", None),
    "forks, and one raises": (
        "import os\n        if os.fork() == 0: raise ValueError('not me')",
        "SUCCEEDED",
        None,
    ),
    "uses a pool": (
        "import multiprocessing as m\n        with m.Pool(2) as pool: pool.map(abs, [-1])",
        "SUCCEEDED",
        None,
    ),
    "recurses for ever": ("f = lambda: f(); f()", "EXCEPTION", "RecursionError: maximum"),
    "takes all memory it may": ("raise MemoryError", "OUT_OF_MEMORY", "MemoryError"),
    "changes its folder": ("import os; os.chdir('/')", "SUCCEEDED", None),
    "ignores SIGTERM": (
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)",
        "SUCCEEDED",
        None,
    ),
}


@pytest.mark.parametrize("deed", one_in(3, DEEDS))
def test_what_an_item_does_costs_that_item_alone(jobs: Jobs, runner: Runner, deed: str) -> None:
    code, end, error = DEEDS[deed]
    runner.compute(f"def compute(item, parameters):\n    if item == 'a':\n        {code}\n{OTHERS}")
    jobs.put(["a", "b", "c"])

    done = runner.run()

    assert jobs.statuses() == {"a": end, "b": "SUCCEEDED", "c": "SUCCEEDED"}, done.out
    assert done.status == (0 if end == "SUCCEEDED" else 1)
    assert str(jobs.results()["a"].get("error", "")).startswith(error or "")
    if end == "SUCCEEDED" and "raises" not in deed:
        assert "Traceback" not in done.out
    assert done.err == ""


@pytest.mark.parametrize("tries", [1, 2])
def test_a_crash_counts_as_a_try_and_is_recorded_with_its_signal(
    jobs: Jobs, runner: Runner, tries: int
) -> None:
    runner.compute("import os\ndef compute(item, parameters): os.abort()")
    jobs.put(["a"])

    runner.run(BATCHCTL_RETRIES=str(tries))

    result = jobs.results()["a"]
    assert (result["attempts"], result["signal"], result["exit_code"]) == (tries, "SIGABRT", 134)
    assert result["peak_memory_mib"] > 1


def test_a_crash_says_where_the_program_was(jobs: Jobs, runner: Runner) -> None:
    runner.compute("import ctypes\ndef compute(item, parameters): ctypes.string_at(0)")
    jobs.put(["a"])

    printed = "\n".join(runner.run().printed("a"))

    assert "Fatal Python error: Segmentation fault" in printed
    assert 'compute.py", line 2 in compute' in printed


DAEMON = """
    import os, subprocess

    def compute(item, parameters):
        started = subprocess.Popen(["sleep", "3600"], start_new_session=True)
        orphan = subprocess.run(
            ["sh", "-c", "sleep 3600 >/dev/null & echo $!"], stdout=-1, text=True,
            start_new_session=True,
        )
        if parameters.get("crash"):
            print(started.pid, orphan.stdout.strip())
            os.kill(os.getppid() if parameters["crash"] == "keeper" else os.getpid(), 9)
        return {"pids": [started.pid, int(orphan.stdout)]}
"""


def is_alive(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.mark.parametrize("crash", [None, "item", "keeper"])
def test_what_an_item_has_started_ends_with_it_whatever_session_it_is_in(
    jobs: Jobs, runner: Runner, crash: str | None
) -> None:
    runner.compute(DAEMON)
    jobs.put(["a"], parameters="{}" if crash is None else f'{{"crash": "{crash}"}}')

    done = runner.run()

    if crash is None:
        result = str(jobs.results()["a"]["result"])
        pids = [int(each) for each in result.strip('{}"pids:[]').split(",")]
    else:
        pids = [int(each) for each in done.printed("a")[0].split()]
    assert len(pids) == 2
    assert not any(map(is_alive, pids))


def test_an_item_that_stops_its_keeper_ends_at_its_time_limit_all_the_same(
    jobs: Jobs, runner: Runner
) -> None:
    runner.compute("""
        import os, signal, time

        def compute(item, parameters):
            if item == "a":
                os.kill(os.getppid(), signal.SIGSTOP)
                time.sleep(3600)
            return {"ok": True}
    """)
    jobs.put(["a", "b"])

    done = runner.run(BATCHCTL_ITEM_TIMEOUT_S="1", BATCHCTL_RETRIES="1")

    assert jobs.statuses() == {"a": "TIMEOUT", "b": "SUCCEEDED"}, done.out


def test_orphans_of_an_item_that_end_before_it_are_no_processes_any_more(
    jobs: Jobs, runner: Runner
) -> None:
    """An item of some hours may have more than the container may have processes."""
    runner.compute("""
        import os, subprocess, time

        def children(pid):
            with open(f"/proc/{pid}/task/{pid}/children") as file:
                return file.read().split()

        def compute(item, parameters):
            for _ in range(50):
                subprocess.run(["sh", "-c", "(sleep 0.01 &) &"])
            deadline = time.monotonic() + 20
            while len(children(os.getppid())) > 1 and time.monotonic() < deadline:
                time.sleep(0.01)
            return {"left": len(children(os.getppid())) - 1}
    """)
    jobs.put(["a"])

    done = runner.run()

    assert (done.status, jobs.results()["a"]["result"]) == (0, '{"left":0}'), done.out


def test_items_end_as_they_do_where_python_has_no_waitid(jobs: Jobs, runner: Runner) -> None:
    """As on macOS before Python 3.13."""
    runner.compute("""
        import os, time

        def compute(item, parameters):
            if item == "a":
                os._exit(7)
            if item == "b":
                time.sleep(3600)
            return {"ok": True}
    """)
    (runner.folder / "site").mkdir()
    (runner.folder / "site" / "sitecustomize.py").write_text("import os\ndel os.waitid\n")
    jobs.put(["a", "b", "c"])
    path = f"{runner.environment()['PYTHONPATH']}{os.pathsep}{runner.folder / 'site'}"

    done = runner.run(PYTHONPATH=path, BATCHCTL_ITEM_TIMEOUT_S="1", BATCHCTL_RETRIES="1")

    assert jobs.statuses() == {"a": "EXIT_CODE", "b": "TIMEOUT", "c": "SUCCEEDED"}, done.out
    assert jobs.results()["a"]["exit_code"] == 7


def test_each_item_has_a_folder_for_temporary_files_which_goes_with_it(
    jobs: Jobs, runner: Runner
) -> None:
    runner.compute("""
        import os, tempfile

        def compute(item, parameters):
            assert os.listdir(tempfile.gettempdir()) == []
            path = tempfile.mkdtemp()
            open(path + "/data", "w").close()
            return {"path": path}
    """)
    jobs.put(["a", "b"])

    assert runner.run().status == 0

    paths = {str(result["result"]) for result in jobs.results().values()}
    assert len(paths) == 2
    assert all(str(runner.folder / "tmp" / "task-") in path for path in paths)
    assert list((runner.folder / "tmp").iterdir()) == []


def test_an_item_cannot_be_seen_by_the_next_one(jobs: Jobs, runner: Runner) -> None:
    runner.compute("""
        import os
        seen = []

        def compute(item, parameters):
            seen.append(item)
            parameters["x"] = item
            os.environ["LAST"] = os.environ.get("LAST", "") + item
            return {"seen": seen, "last": os.environ["LAST"]}
    """)
    jobs.put(["a", "b"])

    runner.run()

    assert jobs.results()["b"]["result"] == '{"seen":["b"],"last":"b"}'


def test_random_numbers_differ_from_item_to_item(jobs: Jobs, runner: Runner) -> None:
    runner.compute("import random\ndef compute(item, parameters): return {'x': random.random()}")
    jobs.put(["a", "b", "c"])

    runner.run()

    assert len({str(result["result"]) for result in jobs.results().values()}) == 3


def test_a_module_that_cannot_be_imported_is_named_in_log_and_error(
    jobs: Jobs, runner: Runner
) -> None:
    (runner.folder / "queue.py").write_text("def first(text): return text[0]")
    runner.compute(
        "import queue\ndef compute(item, parameters): return {'first': queue.first(item)}"
    )
    jobs.put(["a"])

    done = runner.run()

    assert "not `queue.py` beside compute.py: rename it" in done.lines[1]["warning"]
    assert str(jobs.results()["a"]["error"]).endswith("beside compute.py: rename it")
