"""The progress of a task: what is written is what is read, and newer bytes do no harm."""

from __future__ import annotations

import pytest

from batchctl.contract.fields import MalformedItemError
from batchctl.contract.progress import (
    FIRST_FAILURE,
    MAX_CELLS,
    REASONS,
    Cell,
    ItemCounts,
    ProgressRecord,
    count,
    failed,
    from_item,
    reason_of,
)
from batchctl.contract.reasons import Reason


def test_a_record_that_is_read_is_the_one_that_was_written() -> None:
    cells = bytes([Cell.SUCCEEDED, failed(Reason.TIMEOUT), Cell.RUNNING, Cell.PENDING])
    record = ProgressRecord(run=2, task=12_345, cells=cells, at_once=4)

    item = record.as_item("demo-1", expires_at=1_800_000_000)

    assert item["job_id"] == {"S": "demo-1#PROGRESS"}
    assert item["expires_at"] == {"N": "1800000000"}
    assert from_item(item) == record


def test_records_of_a_run_lie_in_the_order_of_their_tasks() -> None:
    keys = [
        ProgressRecord(run, task, b"").as_item("demo-1", None)["item"]["S"]
        for run in (1, 2)
        for task in (0, 9, 10, 10_000)
    ]

    assert keys == sorted(keys)


def test_every_reason_has_a_byte_of_its_own_that_says_it() -> None:
    assert set(REASONS) == set(Reason)
    assert [reason_of(failed(reason)) for reason in Reason] == list(Reason)
    assert len({failed(reason) for reason in Reason} | set(Cell)) == len(Reason) + len(Cell)


def test_counts_are_those_of_the_cells() -> None:
    cells = [
        *[Cell.PENDING] * 4,
        *[Cell.RUNNING] * 3,
        *[Cell.SUCCEEDED] * 5,
        failed(Reason.EXCEPTION),
        failed(Reason.EXCEPTION),
        failed(Reason.OUT_OF_MEMORY),
    ]

    assert count(cells) == ItemCounts(4, 3, 5, {Reason.EXCEPTION: 2, Reason.OUT_OF_MEMORY: 1})
    assert (count(cells).failed, count(cells).total) == (3, 15)


@pytest.mark.parametrize("cell", [3, FIRST_FAILURE - 1, FIRST_FAILURE + len(REASONS), 255])
def test_a_byte_of_a_newer_runner_is_a_failure_of_unknown_reason(cell: int) -> None:
    assert reason_of(cell) is Reason.UNKNOWN
    assert count([cell]) == ItemCounts(reasons={Reason.UNKNOWN: 1})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("item", {"S": "1#2"}),
        ("item", {"S": "RESULT#A"}),
        ("cells", {"S": "text"}),
        ("cells", {"B": b"x" * (MAX_CELLS + 1)}),
        ("at_once", {"N": "0"}),
    ],
)
def test_what_is_no_progress_is_refused(name: str, value: object) -> None:
    item = ProgressRecord(1, 0, b"\x02").as_item("demo-1", None)

    with pytest.raises(MalformedItemError):
        from_item({**item, name: value})
