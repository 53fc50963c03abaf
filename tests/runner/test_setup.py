"""`setup(parameters)`: once for a task, its value for each item."""

from __future__ import annotations

import json

import pytest
from runner_jobs import Jobs, Runner

COUNTING = """
    import os, pathlib

    def setup(parameters):
        with open(pathlib.Path(__file__).parent / "setups", "a") as file:
            file.write("x")
        return {"model": parameters["model"], "pid": os.getpid()}

    def compute(item, parameters, context):
        return {"model": context["model"], "is_own": context["pid"] == os.getpid()}
"""


def test_setup_runs_once_and_every_item_has_what_it_returned(jobs: Jobs, runner: Runner) -> None:
    runner.compute(COUNTING)
    jobs.put(["A", "B", "C"], parameters='{"model": 7}')

    assert runner.run(BATCHCTL_PROCESSES="2").status == 0

    assert (runner.folder / "setups").read_text() == "x"
    results = [json.loads(str(each["result"])) for each in jobs.results().values()]
    assert results == [{"model": 7, "is_own": False}] * 3


@pytest.mark.parametrize(("failures", "status"), [(1, 0), (2, 1)])
def test_setup_is_tried_as_often_as_an_item(
    jobs: Jobs, runner: Runner, failures: int, status: int
) -> None:
    runner.compute(f"""
        import pathlib
        tried = pathlib.Path(__file__).parent / "tried"

        def setup(parameters):
            tried.write_text((tried.read_text() if tried.exists() else "") + "x")
            if len(tried.read_text()) <= {failures}:
                raise OSError("no model")

        def compute(item, parameters):
            return {{}}
    """)
    jobs.put(["A", "B"])

    assert runner.run(BATCHCTL_RETRIES="2").status == status

    if status:
        assert jobs.statuses() == {"A": "EXCEPTION", "B": "EXCEPTION"}
        assert (
            jobs.results()["A"]["error"]
            == "setup: OSError: no model (compute.py, line 8, in setup)"
        )
        assert jobs.progress() == b"\x11\x11"


def test_with_threads_at_the_start_each_item_has_a_python_of_its_own(
    jobs: Jobs, runner: Runner
) -> None:
    runner.compute("""
        import os, threading, time
        threading.Thread(target=time.sleep, args=(3600,), daemon=True, name="feeder").start()

        def setup(parameters):
            return os.getpid()

        def compute(item, parameters, context):
            print("computing", item)
            if item == "B":
                os._exit(5)
            return {"is_own": context == os.getpid(), "x": parameters["x"]}
    """)
    jobs.put(["A", "B"], parameters='{"x": 1}')

    done = runner.run()

    assert jobs.statuses() == {"A": "SUCCEEDED", "B": "EXIT_CODE"}
    assert jobs.results()["A"]["result"] == '{"is_own":true,"x":1}'
    assert done.printed("A") == ["computing A"]
    assert "started threads before the first item (feeder)" in str(done.lines)
