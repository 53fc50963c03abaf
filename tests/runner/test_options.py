"""The arguments of the runner, and the environment that stands in for them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from runner_jobs import ENVIRONMENT

import batchctl
from batchctl.runner.options import OPTIONS, parse


def test_arguments_go_before_the_environment() -> None:
    arguments = ["--table", "t", "--job-id", "j", "--first-task", "2", "--items-per-task", "10"]
    arguments += ["--array-index", "3", "--retries", "5"]

    task = parse(arguments, ENVIRONMENT)

    assert (task.table, task.tries, task.number) == ("t", 5, 5)
    assert (task.slice.job_id, task.slice.start, task.slice.stop) == ("j", 50, 60)


def test_plain_job_has_no_array_index() -> None:
    task = parse([], {**ENVIRONMENT, "BATCHCTL_FIRST_TASK": "4"})

    assert (task.number, task.slice.start, task.slice.stop) == (4, 40, 50)


def test_a_batch_job_may_begin_at_any_item() -> None:
    child = {**ENVIRONMENT, "BATCHCTL_FIRST_TASK": "7", "AWS_BATCH_JOB_ARRAY_INDEX": "2"}
    solo = {"BATCHCTL_FIRST_ITEM": "65", "BATCHCTL_ITEMS_PER_TASK": "1"}

    assert (parse([], child | solo).number, parse([], child | solo).slice.start) == (9, 67)


def test_limits_that_are_not_given_are_none() -> None:
    task = parse([], ENVIRONMENT)

    assert (task.processes, task.item_timeout_s, task.attempt_s) == (1, None, None)
    assert task.slice.chunk == 250


def test_limits_come_from_the_environment() -> None:
    limits = {
        "BATCHCTL_PROCESSES": "4",
        "BATCHCTL_ITEM_TIMEOUT_S": "60",
        "BATCHCTL_ATTEMPT_S": "900",
        "BATCHCTL_ITEMS_PER_CHUNK": "62",
    }

    task = parse([], ENVIRONMENT | limits)

    assert (task.processes, task.item_timeout_s, task.attempt_s) == (4, 60, 900)
    assert task.slice.chunk == 62


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("BATCHCTL_ITEMS_PER_TASK", "0", "must be a whole number, at least 1, is `0`"),
        ("BATCHCTL_FIRST_TASK", "-1", "must be a whole number, at least 0, is `-1`"),
        ("BATCHCTL_ATTEMPT", "0", "must be a whole number, at least 1, is `0`"),
        ("BATCHCTL_RETRIES", "many", "must be a whole number, at least 1, is `many`"),
        ("BATCHCTL_PROCESSES", "0", "must be a whole number, at least 1, is `0`"),
    ],
)
def test_wrong_number_is_named(
    capsys: pytest.CaptureFixture[str], variable: str, value: str, message: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        parse([], {**ENVIRONMENT, variable: value})

    assert message in capsys.readouterr().err


def test_missing_variable_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parse([], {})

    assert "--table" in capsys.readouterr().err


def test_former_names_of_arguments_are_understood() -> None:
    task = parse(["--attempt", "2", "--retries", "5"], ENVIRONMENT)

    assert (task.slice.run, task.tries) == (2, 5)


def test_help_names_the_variables_and_needs_no_boto3(tmp_path: Path) -> None:
    blocked = "import sys, runpy; sys.modules['botocore'] = None; sys.argv[1:] = ['--help'];"

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
    for option in OPTIONS:
        assert option.name in process.stdout
        assert f"${option.variable}" in process.stdout
