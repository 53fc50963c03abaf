"""The end of a task that is told to stop, and of an item that takes too long."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest
from runner_jobs import Jobs, Runner, ended
from slices import one_in
from table_server import THROTTLED, TableServer

from batchctl.contract.progress import Cell

# Items are done at once but for B, which says that it is under way and then takes for ever.
WAITING = """
    import pathlib, signal, time

    def compute(item, parameters):
        if item == "B":
            {deed}
            print("under way", flush=True)
            time.sleep(3600)
        return {{}}
"""
DEEDS = {
    "waits": "pass",
    "is deaf": "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
    "has a child": "import subprocess; subprocess.Popen(['sleep', '3600'], start_new_session=True)",
}


def until_under_way(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if "under way" in line:
            return


@pytest.mark.parametrize("deed", one_in(3, ["is deaf", "waits", "has a child"]))
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_signal_gives_up_the_item_in_hand_and_records_what_was_computed(
    jobs: Jobs, runner: Runner, deed: str, number: int, status: int
) -> None:
    runner.compute(WAITING.format(deed=DEEDS[deed]))
    jobs.put(["A", "B", "C"])

    with runner.started() as process:
        until_under_way(process)
        process.send_signal(number)
        done = ended(process)

    assert done.status == status
    assert jobs.statuses() == {"A": "SUCCEEDED"}
    assert jobs.progress() == bytes([Cell.SUCCEEDED, Cell.RUNNING, Cell.PENDING])
    assert done.lines[-1] == {"stopped_by_signal": int(number)}


def test_results_that_wait_for_the_table_are_recorded_after_a_signal(
    jobs: Jobs, runner: Runner, server: TableServer
) -> None:
    runner.compute(WAITING.format(deed="pass"))
    jobs.put(["A", "B"])
    signalled = threading.Event()
    server.fault = lambda operation: (
        THROTTLED if operation == "PutItem" and not signalled.is_set() else None
    )

    with runner.started() as process:
        until_under_way(process)
        assert jobs.statuses() == {}
        process.send_signal(signal.SIGTERM)
        signalled.set()
        done = ended(process)

    assert (done.status, jobs.statuses()) == (143, {"A": "SUCCEEDED"})


def test_signal_while_compute_is_imported_stops_the_task(jobs: Jobs, runner: Runner) -> None:
    runner.compute("import time\nprint('under way', flush=True)\ntime.sleep(3600)")
    jobs.put(["A"])

    with runner.started() as process:
        until_under_way(process)
        process.send_signal(signal.SIGTERM)
        done = ended(process)

    assert (done.status, jobs.statuses()) == (143, {})


def test_a_killed_supervisor_takes_all_its_processes_along(jobs: Jobs, runner: Runner) -> None:
    runner.compute("""
        import os, time

        def compute(item, parameters):
            print("under way", flush=True)
            open("item.pid", "w").write(f"{os.getppid()} {os.getpid()}")
            print("written under way", flush=True)
            time.sleep(3600)
    """)
    jobs.put(["A"])

    with runner.started() as process:
        until_under_way(process)
        until_under_way(process)
        process.kill()
        process.communicate()  # ends when nobody has the log open any more

    pids = (runner.folder / "item.pid").read_text().split()
    wait_until_gone(pids)


def wait_until_gone(pids: list[str]) -> None:
    for pid in pids:
        stat = Path(f"/proc/{pid}/stat")
        try:
            while stat.read_text().rpartition(")")[2].split()[0] != "Z":
                time.sleep(0.01)
        except (FileNotFoundError, ProcessLookupError):
            continue


@pytest.mark.parametrize("deed", one_in(3, ["has a child", "waits", "is deaf"]))
def test_an_item_that_takes_too_long_is_ended_and_the_others_are_done(
    jobs: Jobs, runner: Runner, deed: str
) -> None:
    runner.compute(WAITING.format(deed=DEEDS[deed]))
    jobs.put(["A", "B", "C"])

    done = runner.run(BATCHCTL_ITEM_TIMEOUT_S="1", BATCHCTL_RETRIES="3")

    assert jobs.statuses() == {"A": "SUCCEEDED", "B": "TIMEOUT", "C": "SUCCEEDED"}
    assert jobs.results()["B"]["error"] == "it took longer than 1 s"
    assert (done.status, done.printed("B")) == (1, ["under way"])


def test_the_time_of_an_item_is_that_of_all_its_tries(jobs: Jobs, runner: Runner) -> None:
    runner.compute("""
        import time

        def compute(item, parameters):
            time.sleep(0.6)
            raise OSError("away")
    """)
    jobs.put(["A"])

    runner.run(BATCHCTL_ITEM_TIMEOUT_S="1", BATCHCTL_RETRIES="99")

    result = jobs.results()["A"]
    assert result["reason"] == "TIMEOUT"
    assert str(result["error"]).startswith("it took longer than 1 s")
    assert result["attempts"] < 3
