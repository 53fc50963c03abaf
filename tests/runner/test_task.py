"""The whole task, in one process: signals are real, DynamoDB is simulated."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from runner_jobs import Jobs

import batchctl
from batchctl.runner import task as runner

ENVIRONMENT = {
    "BATCHCTL_TABLE": "jobs",
    "BATCHCTL_JOB_ID": "demo",
    "BATCHCTL_FIRST_TASK": "0",
    "BATCHCTL_ITEMS_PER_TASK": "3",
    "BATCHCTL_RETRIES": "1",
}


@pytest.fixture
def compute_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Write the user's compute.py."""

    def write(text: str) -> None:
        (tmp_path / "compute.py").write_text(textwrap.dedent(text))
        monkeypatch.chdir(tmp_path)
        monkeypatch.delitem(sys.modules, "compute", raising=False)

    return write


@pytest.fixture(autouse=True)
def _signals_as_before() -> Iterator[None]:
    before = [(number, signal.getsignal(number)) for number in (signal.SIGTERM, signal.SIGINT)]
    yield
    for number, handler in before:
        signal.signal(number, handler)


def test_every_item_of_the_slice_gets_its_result(
    jobs: Jobs, compute_file: Callable[[str], None]
) -> None:
    compute_file("def compute(item, parameters): return {'item': item, **parameters}")
    jobs.put(["A", "B", "C", "D"], parameters='{"x": 1}')

    assert runner.main([], ENVIRONMENT) == 0

    results = jobs.results()
    assert sorted(results) == ["A", "B", "C"]
    assert json.loads(results["B"]["result"]) == {"item": "B", "x": 1}


def test_array_child_works_on_its_own_slice(
    jobs: Jobs, compute_file: Callable[[str], None]
) -> None:
    compute_file("def compute(item, parameters): return {}")
    jobs.put([f"S{number}" for number in range(11)])
    child = {**ENVIRONMENT, "BATCHCTL_FIRST_TASK": "1", "AWS_BATCH_JOB_ARRAY_INDEX": "2"}

    assert runner.main([], child) == 0

    assert sorted(jobs.results()) == ["S10", "S9"]


def test_failed_item_fails_the_task_and_spares_the_others(
    jobs: Jobs, compute_file: Callable[[str], None]
) -> None:
    compute_file("def compute(item, parameters): return {'x': 1 / (item != 'B')}")
    jobs.put(["A", "B", "C"])

    assert runner.main([], ENVIRONMENT) == 1

    results = jobs.results()
    assert [results[item]["status"] for item in "ABC"] == ["SUCCEEDED", "FAILED", "SUCCEEDED"]
    assert results["B"]["error"] == (
        "ZeroDivisionError: division by zero (compute.py, line 1, in compute)"
    )
    assert results["B"]["reason"] == "EXCEPTION"


def test_second_run_does_what_is_left(jobs: Jobs, compute_file: Callable[[str], None]) -> None:
    compute_file("def compute(item, parameters): return {'run': 2}")
    jobs.put(["A", "B", "C"])
    jobs.put_result("A", status="SUCCEEDED", result='{"run": 1}')
    jobs.put_result("B", status="FAILED", error="ValueError")

    assert runner.main([], ENVIRONMENT) == 0

    assert json.loads(jobs.results()["A"]["result"]) == {"run": 1}
    assert json.loads(jobs.results()["B"]["result"]) == {"run": 2}


def test_another_run_does_its_own_items_and_keeps_what_succeeded(
    jobs: Jobs, compute_file: Callable[[str], None]
) -> None:
    compute_file("def compute(item, parameters): return {'attempt': 2}")
    jobs.put(["A", "B", "C", "D"])
    jobs.put_run(2, ["B", "D"])
    jobs.put_result("A", status="SUCCEEDED", result='{"attempt": 1}')
    jobs.put_result("B", status="FAILED", error="ValueError", reason="EXCEPTION")

    assert runner.main([], {**ENVIRONMENT, "BATCHCTL_ATTEMPT": "2"}) == 0

    results = jobs.results()
    assert sorted(results) == ["A", "B", "D"]
    assert json.loads(results["A"]["result"]) == {"attempt": 1}
    assert json.loads(results["B"]["result"]) == {"attempt": 2}
    assert "reason" not in results["B"]


def test_finished_task_does_not_even_load_compute(
    jobs: Jobs, compute_file: Callable[[str], None]
) -> None:
    compute_file("raise SystemExit('must not be imported')")
    jobs.put(["A"])
    jobs.put_result("A", status="SUCCEEDED", result="{}")

    assert runner.main([], ENVIRONMENT) == 0


def test_success_recorded_meanwhile_counts(jobs: Jobs, compute_file: Callable[[str], None]) -> None:
    compute_file("""
        import boto3

        def compute(item, parameters):
            record = {"job_id": "demo", "item": "RESULT#A", "status": "SUCCEEDED"}
            boto3.resource("dynamodb").Table("jobs").put_item(Item=record)
            raise ValueError("too late")
    """)
    jobs.put(["A"])

    assert runner.main([], ENVIRONMENT) == 0
    assert jobs.results()["A"]["status"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("import no_such_module", "could not import compute.py: ModuleNotFoundError: No module"),
        ("def compute(item", "could not import compute.py: "),
        ("raise SystemExit(0)", "could not import compute.py: SystemExit: 0"),
        ("x = 1", "compute.py has no function `compute(item, parameters)`"),
        ("compute = 1", "compute.py has no function `compute(item, parameters)`"),
    ],
)
def test_broken_compute_file_fails_every_item_with_the_reason(
    jobs: Jobs, compute_file: Callable[[str], None], text: str, error: str
) -> None:
    compute_file(text)
    jobs.put(["A", "B"])

    assert runner.main([], ENVIRONMENT) == 1

    results = jobs.results()
    assert [results[item]["status"] for item in "AB"] == ["FAILED", "FAILED"]
    assert results["A"]["error"].startswith(error)
    assert results["A"]["attempts"] == 0


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_signal_abandons_the_item_in_hand(
    jobs: Jobs, compute_file: Callable[[str], None], number: int, status: int
) -> None:
    compute_file(f"""
        import os

        def compute(item, parameters):
            if item == "B":
                os.kill(os.getpid(), {int(number)})
            return {{}}
    """)
    jobs.put(["A", "B", "C"])

    assert runner.main([], ENVIRONMENT) == status
    assert sorted(jobs.results()) == ["A"]


def test_signal_that_compute_swallows_still_stops_the_task(
    jobs: Jobs, compute_file: Callable[[str], None]
) -> None:
    compute_file("""
        import os, signal

        def compute(item, parameters):
            try:
                os.kill(os.getpid(), signal.SIGTERM)
            except BaseException:
                pass
            return {}
    """)
    jobs.put(["A", "B"])

    assert runner.main([], ENVIRONMENT) == 143
    assert jobs.results() == {}


def test_signal_while_compute_is_imported_stops_the_task(
    jobs: Jobs, compute_file: Callable[[str], None]
) -> None:
    compute_file("import os, signal; os.kill(os.getpid(), signal.SIGTERM)")
    jobs.put(["A"])

    assert runner.main([], ENVIRONMENT) == 143
    assert jobs.results() == {}


def test_log_has_a_line_of_json_for_every_item(
    jobs: Jobs, compute_file: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    compute_file("def compute(item, parameters): print('computing', item); return {}")
    jobs.put(["A"])

    runner.main([], ENVIRONMENT)

    first, printed, last = capsys.readouterr().out.splitlines()
    assert json.loads(first) == {"job_id": "demo", "items": 1, "left": 1}
    assert printed == "computing A"
    line = json.loads(last)
    assert (line["item"], line["status"], line["attempts"]) == ("A", "SUCCEEDED", 1)
    assert line["recorded"] is True


@pytest.mark.parametrize("table", ["jobs", "missing"])
def test_unreadable_job_is_a_clear_error(
    jobs: Jobs, capsys: pytest.CaptureFixture[str], table: str
) -> None:
    assert runner.main(["--table", table], ENVIRONMENT) == 1
    assert "could not run the task: " in capsys.readouterr().err


def test_arguments_go_before_the_environment() -> None:
    arguments = ["--table", "t", "--job-id", "j", "--first-task", "2", "--items-per-task", "10"]
    arguments += ["--array-index", "3", "--retries", "5"]

    task = runner.parse(arguments, ENVIRONMENT)

    assert (task.table, task.tries) == ("t", 5)
    assert (task.slice.job_id, task.slice.start, task.slice.stop) == ("j", 50, 60)


def test_plain_job_has_no_array_index() -> None:
    task = runner.parse([], {**ENVIRONMENT, "BATCHCTL_FIRST_TASK": "4"})

    assert (task.slice.start, task.slice.stop) == (12, 15)


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("BATCHCTL_ITEMS_PER_TASK", "0", "must be a whole number, at least 1, is `0`"),
        ("BATCHCTL_FIRST_TASK", "-1", "must be a whole number, at least 0, is `-1`"),
        ("BATCHCTL_ATTEMPT", "0", "must be a whole number, at least 1, is `0`"),
        ("BATCHCTL_RETRIES", "many", "must be a whole number, at least 1, is `many`"),
    ],
)
def test_wrong_number_is_named(
    capsys: pytest.CaptureFixture[str], variable: str, value: str, message: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        runner.main([], {**ENVIRONMENT, variable: value})

    assert message in capsys.readouterr().err


def test_missing_variable_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        runner.main([], {})

    assert "--table" in capsys.readouterr().err


def test_former_names_of_arguments_are_understood() -> None:
    task = runner.parse(["--attempt", "2", "--retries", "5"], ENVIRONMENT)

    assert (task.slice.run, task.tries) == (2, 5)


def test_help_names_the_variables_and_needs_no_boto3(tmp_path: Path) -> None:
    blocked = "import sys, runpy; sys.modules['boto3'] = None; sys.argv[1:] = ['--help'];"

    process = subprocess.run(
        [
            sys.executable,
            "-c",
            f"{blocked} runpy.run_module('batchctl.runner', run_name='__main__')",
        ],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(batchctl.__file__).parents[1])},
        capture_output=True,
        check=False,
        text=True,
    )

    assert process.returncode == 0, process.stderr
    for option in runner.OPTIONS:
        assert option.name in process.stdout
        assert f"${option.variable}" in process.stdout
