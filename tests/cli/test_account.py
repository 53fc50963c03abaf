"""Whose the credentials are is asked beside the reads, and known before anything is changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from calls import Calls
from click.testing import Result

from batchctl.engine.state import State, StateFile, StateIdentity

Batchctl = Callable[..., Result]
ELSEWHERE = "999999999999"


@pytest.fixture
def state_of_another_account(folder: Path, account: None, region: str) -> Path:
    """The state of the application in another account than that of the credentials."""
    path = folder / ".batchctl" / "batchapp.state.json"
    StateFile(path, State(StateIdentity("batchapp", ELSEWHERE, region))).remember_api("alb", "none")
    return path


@pytest.mark.parametrize(
    "command",
    [("plan",), ("status",), ("up", "--yes"), ("down", "--yes")],
    ids=lambda each: each[0],
)
def test_a_state_of_another_account_is_refused_before_anything_is_changed(
    batchctl: Batchctl, calls: Calls, state_of_another_account: Path, command: tuple[str, ...]
) -> None:
    calls.made.clear()
    before = state_of_another_account.read_bytes()
    result = batchctl(*command)
    assert result.exit_code == 1
    assert f"it belongs to account `{ELSEWHERE}`, this run is for `123456789012`" in result.stderr
    assert calls.writes == []
    assert state_of_another_account.read_bytes() == before
