"""The limits that the client checks are those of the API."""

from __future__ import annotations

from batchctl.jobs.api import new_task as contract
from handlers.http import request


def test_the_clients_limits_are_the_functions_limits() -> None:
    assert contract.JOB_ID.pattern == record.JOB_ID.pattern
    assert contract.MAX_ITEMS == record.MAX_ITEMS
    assert contract.MAX_ITEM_CHARACTERS == request.MAX_ITEM_CHARACTERS
    assert contract.MAX_ITEM_BYTES == record.MAX_ITEM_BYTES
    assert contract.MAX_PARAMETERS_BYTES == request.MAX_PARAMETERS_BYTES
    assert contract.MAX_BODY_BYTES == request.MAX_BODY_BYTES


def test_duplicates_are_found_with_all_their_positions() -> None:
    assert contract.duplicates(["A", "B", "A", "C", "B", "A"]) == {"A": [0, 2, 5], "B": [1, 4]}
    assert contract.duplicates(["A", "B"]) == {}
