"""Whole tasks: the runner is a process of its own, DynamoDB is simulated."""

from __future__ import annotations

import json

import pytest
from runner_jobs import Jobs, Runner

IDENTITY = "def compute(item, parameters): return {'item': item, **parameters}"


def test_every_item_of_the_slice_gets_its_result(jobs: Jobs, runner: Runner) -> None:
    runner.compute(IDENTITY)
    jobs.put(["A", "B", "C", "D"], parameters='{"x": 1}')

    assert runner.run(BATCHCTL_ITEMS_PER_TASK="3").status == 0

    results = jobs.results()
    assert sorted(results) == ["A", "B", "C"]
    assert json.loads(results["B"]["result"]) == {"item": "B", "x": 1}
    assert jobs.progress() == b"\2\2\2"


@pytest.mark.parametrize("processes", ["1", "3"])
def test_a_child_of_the_array_works_on_its_slice(
    jobs: Jobs, runner: Runner, processes: str
) -> None:
    runner.compute(IDENTITY)
    jobs.put([f"S{number}" for number in range(31)])

    child = {"BATCHCTL_FIRST_TASK": "1", "AWS_BATCH_JOB_ARRAY_INDEX": "2"}
    done = runner.run(BATCHCTL_PROCESSES=processes, **child)

    assert (done.status, sorted(jobs.results())) == (0, ["S30"])
    assert jobs.progress(task=3) == b"\2"


def test_items_are_computed_at_the_same_time_and_no_more_than_asked_for(
    jobs: Jobs, runner: Runner
) -> None:
    # each waits for another one that is under way as well, which it couldn't alone
    runner.compute("""
        import os, pathlib, time
        folder = pathlib.Path(__file__).parent / "under-way"

        def setup(parameters):
            folder.mkdir()

        def compute(item, parameters):
            (folder / item).touch()
            most, until = 0, time.monotonic() + 30
            while len(list(folder.iterdir())) < 2 and time.monotonic() < until:
                time.sleep(0.001)
            most = len(list(folder.iterdir()))
            time.sleep(0.05)
            (folder / item).unlink()
            return {"most": most}
    """)
    jobs.put(["A", "B"])

    assert runner.run(BATCHCTL_PROCESSES="2").status == 0
    assert {str(each["result"]) for each in jobs.results().values()} == {'{"most":2}'}


def test_failed_item_fails_the_task_and_spares_the_others(jobs: Jobs, runner: Runner) -> None:
    runner.compute("def compute(item, parameters): return {'x': 1 / (item != 'B')}")
    jobs.put(["A", "B", "C"])

    assert runner.run().status == 1

    assert jobs.statuses() == {"A": "SUCCEEDED", "B": "EXCEPTION", "C": "SUCCEEDED"}
    assert jobs.results()["B"]["error"] == (
        "ZeroDivisionError: division by zero (compute.py, line 1, in compute)"
    )
    assert jobs.progress() == b"\2\x11\2"


def test_second_run_does_what_is_left(jobs: Jobs, runner: Runner) -> None:
    runner.compute("def compute(item, parameters): return {'run': 2}")
    jobs.put(["A", "B", "C"])
    jobs.put_result("A", status="SUCCEEDED", result='{"run": 1}')
    jobs.put_result("B", status="FAILED", error="ValueError")

    assert runner.run().status == 0

    assert json.loads(jobs.results()["A"]["result"]) == {"run": 1}
    assert json.loads(jobs.results()["B"]["result"]) == {"run": 2}
    assert jobs.progress() == b"\2\2\2"


def test_another_run_does_its_own_items_and_keeps_what_succeeded(
    jobs: Jobs, runner: Runner
) -> None:
    runner.compute("def compute(item, parameters): return {'attempt': 2}")
    jobs.put(["A", "B", "C", "D"])
    jobs.put_run(2, ["B", "D"])
    jobs.put_result("A", status="SUCCEEDED", result='{"attempt": 1}')
    jobs.put_result("B", status="FAILED", error="ValueError", reason="EXCEPTION")

    assert runner.run(BATCHCTL_ATTEMPT="2").status == 0

    results = jobs.results()
    assert sorted(results) == ["A", "B", "D"]
    assert json.loads(results["A"]["result"]) == {"attempt": 1}
    assert json.loads(results["B"]["result"]) == {"attempt": 2}
    assert "reason" not in results["B"]
    assert jobs.progress(run=2) == b"\2\2"


def test_finished_task_computes_nothing(jobs: Jobs, runner: Runner) -> None:
    runner.compute("def setup(parameters): raise SystemExit('must not be called')\n" + IDENTITY)
    jobs.put(["A"])
    jobs.put_result("A", status="SUCCEEDED", result="{}")

    done = runner.run()

    assert (done.status, done.lines) == (0, [{"job_id": "demo", "items": 1, "left": 0}])


def test_success_recorded_meanwhile_counts(jobs: Jobs, runner: Runner) -> None:
    runner.compute("""
        import boto3

        def compute(item, parameters):
            record = {"job_id": "demo#RESULTS", "item": "RESULT#A", "status": "SUCCEEDED"}
            boto3.resource("dynamodb").Table("jobs").put_item(Item=record)
            raise ValueError("too late")
    """)
    jobs.put(["A"])

    done = runner.run()

    assert (done.status, jobs.statuses()) == (0, {"A": "SUCCEEDED"})
    assert done.of("A")["recorded"] is False
    assert jobs.progress() == b"\2"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("import no_such_module", "could not import compute.py: ModuleNotFoundError: No module"),
        ("def compute(item", "could not import compute.py: "),
        ("raise SystemExit(0)", "could not import compute.py: SystemExit: 0"),
        ("x = 1", "compute.py has no function `compute(item, parameters)`"),
        ("def compute(item): pass", "compute.py: compute is called as `compute(item, parameters)`"),
    ],
)
def test_broken_compute_file_fails_every_item_with_the_reason(
    jobs: Jobs, runner: Runner, text: str, error: str
) -> None:
    runner.compute(text)
    jobs.put(["A", "B"])

    assert runner.run(BATCHCTL_RETRIES="3").status == 1

    results = jobs.results()
    assert jobs.statuses() == {"A": "EXCEPTION", "B": "EXCEPTION"}
    assert str(results["A"]["error"]).startswith(error)
    assert results["A"]["attempts"] == 0


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("import os; os._exit(0)", "the process ended with exit status 0 while it imported"),
        ("import os; os.abort()", "the process was killed by SIGABRT while it imported"),
    ],
)
def test_an_import_that_ends_its_process_fails_every_item(
    jobs: Jobs, runner: Runner, text: str, error: str
) -> None:
    runner.compute(text)
    jobs.put(["A", "B"])

    assert runner.run().status == 1
    assert jobs.statuses() == {"A": "EXIT_CODE", "B": "EXIT_CODE"}
    assert str(jobs.results()["B"]["error"]).startswith(error)


@pytest.mark.parametrize(
    ("deed", "tries", "error"),
    [
        ("raise ValueError(item)", 2, "ValueError: A (compute.py, line 1, in compute)"),
        ("return {'x': {1}}", 1, "result.x: set is no JSON (return `sorted(…)`)"),
        ("import no_such_module", 1, "ModuleNotFoundError: No module named 'no_such_module'"),
        ("return no_such_name", 1, "NameError: name 'no_such_name' is not defined"),
    ],
)
def test_what_cannot_change_is_tried_once(
    jobs: Jobs, runner: Runner, deed: str, tries: int, error: str
) -> None:
    runner.compute(f"def compute(item, parameters): {deed}")
    jobs.put(["A"])

    runner.run(BATCHCTL_RETRIES="2")

    result = jobs.results()["A"]
    assert result["attempts"] == tries
    assert str(result["error"]).startswith(error)


def test_each_try_has_a_process_of_its_own(jobs: Jobs, runner: Runner) -> None:
    runner.compute("""
        import os, pathlib
        marker = pathlib.Path(__file__).parent / "tried"

        def compute(item, parameters):
            if not marker.exists():
                marker.touch()
                os._exit(3)
            return {}
    """)
    jobs.put(["A"])

    assert runner.run(BATCHCTL_RETRIES="2").status == 0
    assert jobs.results()["A"]["attempts"] == 2


def test_log_has_a_line_of_json_for_every_item_and_for_what_it_printed(
    jobs: Jobs, runner: Runner
) -> None:
    runner.compute("""
        import sys
        print("loading")

        def compute(item, parameters):
            print("computing", item)
            for percent in (10, 100):
                sys.stderr.write(f"\\r{percent}%")
            return {}
    """)
    jobs.put(["A"])

    done = runner.run()

    assert done.printed(None) == ["loading"]
    assert done.printed("A") == ["computing A", "100%"]
    line = done.of("A")
    assert (line["status"], line["attempts"], line["recorded"]) == ("SUCCEEDED", 1, True)
    assert line["peak_memory_mib"] > 1
    assert {"job_id": "demo", "items": 1, "left": 1} in done.lines


def test_unreadable_job_is_a_status_of_its_own_and_a_clear_error(
    jobs: Jobs, runner: Runner
) -> None:
    runner.compute(IDENTITY)

    done = runner.run()

    assert done.status == 3
    assert done.lines[-1]["error"] == "could not run the task: table `jobs` has no job `demo`"
    assert "could not run the task: " in done.err


THREADED = (
    "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n"
)


@pytest.mark.parametrize("before", ["", THREADED], ids=["forked", "fresh"])
def test_an_items_own_parameters_go_before_the_jobs_and_are_no_other_items(
    jobs: Jobs, runner: Runner, before: str
) -> None:
    runner.compute(
        before
        + "def setup(parameters): return dict(parameters)\n"
        + "def compute(item, parameters, context): return {'all': parameters, 'setup': context}\n"
    )
    jobs.put(["A", "B"], parameters='{"paths": 1, "seed": 7}')
    jobs.put_chunks(["A", "B"], {0: '{"desk":"x","paths":2}'}, chunk=12)

    assert runner.run(BATCHCTL_ITEMS_PER_CHUNK="12").status == 0

    results = {item: json.loads(each["result"]) for item, each in jobs.results().items()}
    job = {"paths": 1, "seed": 7}
    assert results["A"] == {"all": {"paths": 2, "seed": 7, "desk": "x"}, "setup": job}
    assert results["B"] == {"all": job, "setup": job}
