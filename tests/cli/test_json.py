"""`--json`: errors are documents with stable codes, a job has one shape, every shape is written."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest
from click.testing import CliRunner, Result
from job_api import RUNNING, counts
from json_shapes import OTHERS, QUIET, SCHEMA, SHAPES, check

import batchctl
from batchctl.cli import errors, main
from batchctl.cli.display.job import FIELDS, as_json
from batchctl.errors import BatchctlError
from batchctl.jobs import Counts, Job, JobSummary, Submitted
from batchctl.jobs.control import Cancelled, Retried

Batchctl = Callable[..., Result]
DOCS = Path(batchctl.__file__).parents[1] / "docs" / "json.md"


def error_of(result: Result) -> dict[str, Any]:
    """The error that is on stdout, alone."""
    found: dict[str, Any] = json.loads(result.stdout)["error"]
    return found


@pytest.mark.parametrize(
    ("arguments", "code", "exit_code"),
    [
        (("jobs", "--json"), "not_deployed", 2),
        (("--json", "bogus"), "usage", 2),
        (("jobs", "--json", "--limit", "x"), "usage", 2),
        (("--json", "jobs", "--bogus"), "usage", 2),
        (("show", "a b", "--json", "--bogus"), "usage", 2),
    ],
)
@pytest.mark.usefixtures("folder")
def test_an_error_is_a_document_on_stdout_and_a_text_on_stderr(
    arguments: tuple[str, ...], code: str, exit_code: int
) -> None:
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code == exit_code
    assert error_of(result)["code"] == code
    assert error_of(result)["message"].partition("\n")[0] in result.stderr


@pytest.mark.usefixtures("folder")
def test_the_commands_in_a_hint_are_spelled_as_the_user_called(batchctl: Batchctl) -> None:
    found = error_of(batchctl("jobs", "--config", "config.yaml", "--json"))
    assert "`batchctl --config config.yaml up`" in found["hint"]


@pytest.mark.usefixtures("deployed")
def test_without_json_stdout_has_no_error(batchctl: Batchctl) -> None:
    assert batchctl("show", "a b").stdout == ""


JOB = {"job_id": "demo-1", "created_at": "2026-11-23T10:00:00Z", "items": 4}


def test_a_job_has_the_same_fields_wherever_it_stands() -> None:
    counted, now = counts(total=1), datetime(2026, 11, 23, tzinfo=UTC)
    shapes = [
        as_json(job)
        for job in (
            Job.from_answer(RUNNING | JOB),
            JobSummary("demo-1", "RUNNING", now, None, 1, 1),
            Submitted("demo-1", "QUEUED", 1, "/v1/tasks/demo-1", created=True),
            Cancelled("demo-1", "CANCELLED", Counts.from_answer(counted)),
            Retried("demo-1", "QUEUED", 2, 1, 1),
        )
    ]
    assert {tuple(shape) for shape in shapes} == {FIELDS}
    for shape in shapes:
        check(shape, "job")
    assert shapes[1]["created_at"] == "2026-11-23T00:00:00.000000Z"


def test_an_error_of_a_file_says_which_and_what_to_do() -> None:
    found = errors.as_json(OSError(28, "No space left on device", "/x/state"))
    assert found == {
        "code": "file",
        "message": "could not use `/x/state`: No space left on device",
        "hint": "free some disk space, then run the command again",
    }


def kinds(of: type[BatchctlError] = BatchctlError) -> Iterator[type[BatchctlError]]:
    """Every kind of error that there is in batchctl."""
    yield of
    for each in of.__subclasses__():
        yield from kinds(each)


def test_every_kind_of_error_has_a_code_that_the_docs_explain() -> None:
    for module in pkgutil.walk_packages(batchctl.__path__, "batchctl."):
        if ".local." not in module.name and "__main__" not in module.name:
            importlib.import_module(module.name)
    ours = [kind for kind in kinds() if kind.__module__.startswith("batchctl.")]
    codes = {kind.code for kind in ours} | {errors.AWS, errors.FILE, errors.INTERNAL}
    documented = set(
        re.findall(r"^\| `([a-z_]+)` \|", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert codes <= documented
    inherited = [kind.__name__ for kind in ours if "code" not in vars(kind)]
    assert inherited == ["RunOver", "NotFoundError"]


def every_command(group: click.Group, *above: str) -> Iterator[tuple[str, ...]]:
    """The names of every command that is no group."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from every_command(command, *above, name)
        else:
            yield (*above, name)


def test_every_command_has_a_shape_or_says_why_it_has_none() -> None:
    assert set(every_command(main)) <= {*SHAPES, *OTHERS, *QUIET}
    assert {*SHAPES.values()} <= SCHEMA["$defs"].keys()


def test_the_schemas_are_valid_and_refuse_what_they_do_not_know() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    check({"error": {"code": "usage", "message": "no", "hint": None}}, "failed")
    with pytest.raises(jsonschema.ValidationError):
        check({"error": {"code": "usage", "message": "no", "hint": None, "new": 1}}, "failed")
    with pytest.raises(jsonschema.ValidationError):
        check("2026-11-23T10:00:00+00:00", "time")
