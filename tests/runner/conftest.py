from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from dynamodb_http import serving
from moto import mock_aws
from runner_jobs import CREDENTIALS, Jobs, Runner
from table_server import TableServer

# the sample, as the runner finds it
sys.path.insert(0, str(Path(__file__).parents[2] / "compute"))


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Jobs]:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        yield Jobs()


@pytest.fixture
def server(jobs: Jobs) -> Iterator[TableServer]:
    """The job table, for other processes."""
    with serving(TableServer()) as made:
        yield made


@pytest.fixture
def runner(tmp_path: Path, server: TableServer) -> Runner:
    """The runner beside a compute.py that a test writes."""
    return Runner(tmp_path, server.endpoint)
