"""Commands that read a job take the last one when none is named, and say which that is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from api_server import ApiServer, deployed, serving
from click.testing import Result

Batchctl = Callable[..., Result]

TASKS = {"total": 1, "pending": 0, "running": 0, "succeeded": 1, "failed": 0}
NEWEST = {
    "job_id": "risk-9",
    "status": "SUCCEEDED",
    "created_at": "2026-11-28T10:00:00.000000Z",
    "items": 1,
    "tasks": TASKS,
    "results": {"AAPL": {"status": "SUCCEEDED", "result": {"n": 1}}},
}


@pytest.fixture
def served(folder: Path) -> Iterator[ApiServer]:
    """An API that answers every request with one job, alone and as the list."""
    with serving() as api:
        api.body = json.dumps({**NEWEST, "jobs": [NEWEST]}).encode()
        deployed(folder, api, "none")
        yield api


@pytest.mark.parametrize("command", ["show", "watch", "results"])
def test_the_newest_job_is_meant_when_none_is_named(
    served: ApiServer, batchctl: Batchctl, command: str
) -> None:
    ran = batchctl(command)
    assert ran.exit_code == 0, ran.stderr
    assert "the last job: risk-9\n" in ran.stderr
    assert served.asked[0][1] == "/v1/tasks?limit=1"
    assert all(path.startswith("/v1/tasks/risk-9") for _, path, _, _ in served.asked[1:])


@pytest.mark.parametrize("command", ["logs", "why"])
def test_logs_and_why_read_the_newest_job_in_aws(
    served: ApiServer, batchctl: Batchctl, account: None, command: str
) -> None:
    ran = batchctl(command)
    assert "the last job: risk-9\n" in ran.stderr
    assert served.asked[0][1] == "/v1/tasks?limit=1"


@pytest.mark.usefixtures("served")
def test_a_job_that_is_named_is_not_said_again(batchctl: Batchctl) -> None:
    assert "last job" not in batchctl("results", "risk-9").stderr


@pytest.mark.parametrize("command", ["show", "watch", "results", "why", "logs"])
def test_without_any_job_it_says_how_to_submit_one(
    served: ApiServer, batchctl: Batchctl, account: None, command: str
) -> None:
    served.body = b'{"jobs": []}'
    ran = batchctl(command)
    assert ran.exit_code == 1
    assert "could not choose a job: there is none yet" in ran.stderr
    assert "`batchctl submit --universe A,B`" in ran.stderr


@pytest.mark.parametrize("command", ["cancel", "retry"])
@pytest.mark.usefixtures("served")
def test_what_changes_a_job_wants_its_name(batchctl: Batchctl, command: str) -> None:
    assert batchctl(command).exit_code == 2
