"""How often a command reads the state: once, and once more under the lock where it takes it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from api_server import ROLE, deployed, serving
from click.testing import Result

from batchctl.contract.job_record import JobRecord, new_item
from batchctl.contract.statuses import Status

Batchctl = Callable[..., Result]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Every reading of a state file from now on."""
    found: list[Path] = []
    read = Path.read_text

    def noted(path: Path, *arguments: Any, **named: Any) -> str:
        if path.name.endswith(".state.json"):
            found.append(path)
        return read(path, *arguments, **named)

    monkeypatch.setattr(Path, "read_text", noted)
    return found


def put_job(status: str) -> None:
    job = JobRecord("demo-1", Status(status), "2026-11-23T10:00:00.000000Z", 2, 1, "hash")
    boto3.client("dynamodb").put_item(TableName="batchapp-jobs", Item=new_item(job))


@pytest.mark.usefixtures("in_account")
@pytest.mark.parametrize(
    "command",
    [
        ("show", "demo-1"),
        ("watch", "demo-1"),
        ("results", "demo-1"),
        ("why", "demo-1"),
        ("logs", "demo-1"),
        ("cancel", "demo-1"),
        ("dead-letters", "show"),
        ("curl", "/v1/tasks"),
        ("unlock",),
    ],
    ids=lambda each: each[0],
)
def test_a_command_about_jobs_reads_it_once(
    batchctl: Batchctl, tracker: Any, reads: list[Path], command: tuple[str, ...]
) -> None:
    put_job("RUNNING")
    counts = {"total": 1, "pending": 0, "running": 0, "succeeded": 1, "failed": 0}
    tracker.answer = {"job_id": "demo-1", "status": "CANCELLED", "tasks": counts}
    answered = batchctl(*command)
    assert answered.exit_code in {0, 4}, answered.output
    assert len(reads) == 1


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    "command",
    [("jobs",), ("submit", "--job-id", "demo-1", "--universe", "A"), ("curl", "/v1/tasks")],
    ids=lambda each: each[0],
)
def test_who_signs_as_the_apis_role_reads_it_once(
    folder: Path, batchctl: Batchctl, reads: list[Path], command: tuple[str, ...]
) -> None:
    principal = {"AWS": "arn:aws:iam::123456789012:root"}
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
    boto3.client("iam").create_role(
        RoleName=ROLE.rpartition("/")[2],
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    with serving() as api:
        deployed(folder, api, "iam")
        answer = {"jobs": [], "job_id": "demo-1", "status": "QUEUED", "tasks": 1, "href": ""}
        api.body = json.dumps(answer).encode()
        reads.clear()
        answered = batchctl(*command, "--assume-api-role")
    assert answered.exit_code == 0, answered.output
    assert len(reads) == 1


@pytest.mark.usefixtures("account")
def test_up_and_down_read_it_once_more_under_the_lock(
    batchctl: Batchctl, reads: list[Path]
) -> None:
    batchctl("up", "--yes")
    counts = {}
    for command in (("plan",), ("status",), ("up", "--yes"), ("up", "--json"), ("down", "--yes")):
        reads.clear()
        answered = batchctl(*command)
        assert answered.exit_code == 0, answered.output
        counts[" ".join(command)] = len(reads)
    assert counts == {"plan": 1, "status": 1, "up --yes": 2, "up --json": 2, "down --yes": 2}


@pytest.mark.usefixtures("account")
def test_without_a_config_the_one_state_is_read_once(
    folder: Path, batchctl: Batchctl, reads: list[Path]
) -> None:
    batchctl("up", "--yes")
    (folder / "config.yaml").write_text("name: [\n")
    reads.clear()
    answered = batchctl("unlock")
    assert "using the state file" in answered.stderr
    assert len(reads) == 1
