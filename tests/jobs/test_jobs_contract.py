"""The limits that the client checks are those of the API."""

from __future__ import annotations

from batchctl.contract import limits
from batchctl.jobs.api import new_task
from handlers.http import request


def test_the_clients_limits_are_the_functions_limits() -> None:
    for name in (
        "MAX_ITEMS",
        "MAX_ITEM_CHARACTERS",
        "MAX_ITEM_BYTES",
        "MAX_PARAMETERS_BYTES",
        "MAX_BODY_BYTES",
        "is_job_id",
    ):
        assert getattr(new_task, name) is getattr(request, name) is getattr(limits, name)


def test_duplicates_are_found_with_all_their_positions() -> None:
    assert new_task.duplicates(["A", "B", "A", "C", "B", "A"]) == {"A": [0, 2, 5], "B": [1, 4]}
    assert new_task.duplicates(["A", "B"]) == {}
