"""A job that brings its code along: that is what its tasks run, and nothing else will do."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
from runner_jobs import Jobs, Runner

from batchctl.application.function import Function
from batchctl.application.shipped.packing import packed
from batchctl.contract import shipped_code
from batchctl.contract.environment import RunnerExit


def square(item: str, parameters: dict[str, Any]) -> Any:
    if item == "x":
        raise ValueError("no number")
    return {"square": int(item) ** 2, "parameters": parameters}


def put_code(jobs: Jobs, content: bytes, digest: str | None = None) -> str:
    """Write code as the Python API does; return the parameters of a job that names it."""
    digest = digest or shipped_code.digest_of(content)
    parts = list(shipped_code.parts_of(content))
    for number, part in enumerate(parts):
        jobs.table.put_item(
            Item={
                "job_id": shipped_code.code_partition(digest),
                "item": shipped_code.part_key(number),
                "code": part,
                "parts": len(parts),
            }
        )
    return json.dumps({shipped_code.PARAMETER: digest, "n": 1})


def results(jobs: Jobs) -> dict[str, Any]:
    return {item: json.loads(str(each["result"])) for item, each in jobs.results().items()}


def test_tasks_call_the_function_that_came_along(jobs: Jobs, runner: Runner) -> None:
    runner.compute("def compute(item, parameters): return {'from': 'the image'}")
    jobs.put(["2", "3"], parameters=put_code(jobs, packed(Function(square))))
    assert runner.run().status == 0
    assert results(jobs) == {
        "2": {"square": 4, "parameters": {"n": 1}},
        "3": {"square": 9, "parameters": {"n": 1}},
    }


def test_a_function_needs_no_compute_py_that_works(jobs: Jobs, runner: Runner) -> None:
    runner.compute("import no_such_module")
    jobs.put(["2"], parameters=put_code(jobs, packed(Function(square))))
    assert runner.run().status == 0
    assert jobs.statuses() == {"2": "SUCCEEDED"}


def test_an_error_of_the_function_names_its_file_and_line(jobs: Jobs, runner: Runner) -> None:
    jobs.put(["x"], parameters=put_code(jobs, packed(Function(square))))
    assert runner.run().status == RunnerExit.SOME_FAILED
    error = str(jobs.results()["x"]["error"])
    assert error.startswith(f"ValueError: no number ({Path(__file__).name}, line ")


def test_code_of_many_parts_is_put_together(jobs: Jobs, runner: Runner) -> None:
    ballast = os.urandom(2 * shipped_code.PART_BYTES)

    def function(item: str) -> int:
        return len(ballast)

    jobs.put(["A"], parameters=put_code(jobs, packed(Function(function))))
    assert runner.run().status == 0
    assert results(jobs) == {"A": {"value": len(ballast)}}


def a_zip_that_leads_elsewhere() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("../../escaped.py", "")
    return made.getvalue()


@pytest.mark.parametrize(
    ("content", "digest"),
    [
        (None, "a" * 64),
        (b"something else", "b" * 64),
        (b"no zip", None),
        (None, "../../JOB"),
    ],
    ids=["is not there", "is not what is named", "is no zip", "is no name"],
)
def test_items_whose_code_cannot_be_had_fail_with_that_and_nothing_else_is_run(
    jobs: Jobs, runner: Runner, content: bytes | None, digest: str | None
) -> None:
    runner.compute("def compute(item, parameters): return {}")
    named = json.dumps({shipped_code.PARAMETER: digest})
    parameters = named if content is None else put_code(jobs, content, digest)
    jobs.put(["A"], parameters=parameters)
    ended = runner.run()
    assert ended.status == RunnerExit.SOME_FAILED
    assert jobs.statuses() == {"A": "EXCEPTION"}
    assert "code" in str(jobs.results()["A"]["error"])


def test_code_stays_in_its_own_folder(jobs: Jobs, runner: Runner) -> None:
    jobs.put(["A"], parameters=put_code(jobs, a_zip_that_leads_elsewhere()))
    runner.run()
    assert not list(runner.folder.parent.rglob("escaped.py"))


def named_value(item: str) -> Any:
    return {"value": item} if item == "dict" else item


def test_what_is_no_dict_becomes_one_and_nothing_else_looks_like_it(
    jobs: Jobs, runner: Runner
) -> None:
    jobs.put(["dict", "text"], parameters=put_code(jobs, packed(Function(named_value))))
    assert runner.run().status == 0
    assert results(jobs) == {"dict": {"value": {"value": "dict"}}, "text": {"value": "text"}}
