"""The application in an AWS in memory, all of whose calls can be counted, cut off and failed."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from account import DONE, MOTO, Account, connect, first_stack
from botocore.client import BaseClient
from crash_branches import Branches, Calls, run_one_by_one
from made_once import unsigned
from moto import mock_aws
from one_load_balancer import target_groups_have_one_load_balancer

from batchctl.aws.session import Connection

MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it


@pytest.fixture(scope="session", autouse=True)
def no_leftovers() -> None:
    """Remove from memory the folders of tests that were killed."""
    for folder in MEMORY.glob("batchctl-faults-*-*"):
        if not Path("/proc", folder.name.split("-")[2]).exists():
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def connection() -> Connection:
    """The clients, shared by all tests: they are slow to make."""
    return connect()


@pytest.fixture(scope="session")
def undisturbed_holdings(
    connection: Connection, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[str]]:
    """What there is after a first `up` that nothing disturbs."""
    with pytest.MonkeyPatch.context() as patch, mock_aws(config=MOTO), unsigned():
        # moto imports its services with the first calls, and threads that do so can lock up.
        run_one_by_one(patch)
        patch.chdir(tmp_path_factory.mktemp("undisturbed"))
        account = Account(connection)
        assert account.up(first_stack()) == DONE
        holdings = account.holdings()
        assert account.down() == DONE
    return holdings


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Every API call."""
    calls = Calls()
    monkeypatch.setattr(
        BaseClient,
        "_make_api_call",
        lambda *call: calls.make(*call),  # noqa: PLW0108 - a bound method would not get the client
    )
    return calls


@pytest.fixture
def in_memory(tmp_path: Path) -> Iterator[Path]:
    """An empty folder, in memory where the machine has such: each state is written to the disk.

    What is on a disk after the machine, and not only the process, is gone is for tests/engine.
    """
    if not os.access(MEMORY, os.W_OK):
        yield tmp_path
        return
    prefix = f"batchctl-faults-{os.getpid()}-"
    with tempfile.TemporaryDirectory(prefix=prefix, dir=MEMORY) as folder:
        yield Path(folder)


@pytest.fixture
def account(
    connection: Connection,
    undisturbed_holdings: dict[str, list[str]],  # so that all is loaded that first calls load
    calls: Calls,
    in_memory: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Account]:
    """An account without the application; the current folder is empty."""
    folder = in_memory / "run"
    folder.mkdir()
    monkeypatch.chdir(folder)
    with mock_aws(config=MOTO), unsigned(), target_groups_have_one_load_balancer():
        yield Account(connection)


@pytest.fixture
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """One resource at a time, so that a run makes the same calls in the same order always."""
    run_one_by_one(monkeypatch)


@pytest.fixture
def branches(one_by_one: None) -> Branches:
    """Runs that leave the run of this process."""
    return Branches()
