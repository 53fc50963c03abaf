"""An application that a module's tests share, and an account for a test of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from built import Application, account
from shared import CONFIG, Shared


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    """The application that the module's tests share; see `application`."""
    made = Shared(tmp_path_factory.mktemp("drift") for _ in iter(int, 1))
    # Built before hypothesis changes the recursion limit, which Python 3.11 takes amiss while a
    # thread makes a syntax tree, as those of a first run do.
    made.settled()
    yield made
    made.forget()


@pytest.fixture
def account_in_memory(tmp_path: Path) -> Iterator[Application]:
    """An account of this test's own, in which nothing was built yet."""
    with account(tmp_path) as fresh:
        yield fresh.with_config(CONFIG)
