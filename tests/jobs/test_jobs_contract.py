"""The limits that the client checks are those of the API."""

from __future__ import annotations

from types import ModuleType

import pytest

from batchctl.contract import limits
from batchctl.jobs.api import new_task, requests
from handlers.http import request, universe, upload

LIMITS = [name for name in vars(limits) if name.startswith("MAX_")]


@pytest.mark.parametrize("module", [new_task, requests, request, universe, upload])
def test_the_clients_limits_are_the_functions_limits(module: ModuleType) -> None:
    stated = [name for name in LIMITS if name in vars(module)]
    assert stated
    assert all(getattr(module, name) is getattr(limits, name) for name in stated)


def test_duplicates_are_found_with_all_their_positions() -> None:
    assert new_task.duplicates(["A", "B", "A", "C", "B", "A"]) == {"A": [0, 2, 5], "B": [1, 4]}
    assert new_task.duplicates(["A", "B"]) == {}
