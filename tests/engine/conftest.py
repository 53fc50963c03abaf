"""A cloud in memory, its account, and an empty state."""

from __future__ import annotations

from pathlib import Path

import pytest
from cloud import IDENTITY, Cloud, FakeAws

from batchctl.aws.clock import Clock
from batchctl.engine.state import StateFile


@pytest.fixture
def cloud() -> Cloud:
    """An empty cloud."""
    return Cloud()


@pytest.fixture
def aws(cloud: Cloud) -> FakeAws:
    """The account, with a clock on which waiting costs no time."""
    now = [0.0]
    clock = Clock(now=lambda: now[0], sleep=lambda _s, s: now.__setitem__(0, now[0] + s))
    return FakeAws(cloud, clock=clock)


@pytest.fixture
def state(tmp_path: Path) -> StateFile:
    """No state yet."""
    return StateFile.load(tmp_path / "app.state.json", IDENTITY)
