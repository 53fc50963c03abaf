"""Which task of a run has which item."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchctl.contract.batch_jobs import MAX_CHILDREN, split_into_batch_jobs
from batchctl.contract.slices import Slices, chosen_items_per_task
from batchctl.contract.table import (
    MAX_CHUNK_BYTES,
    indexes_in,
    items_per_chunk,
    packed_indexes,
)

slices = st.builds(
    Slices,
    st.integers(1, 300),
    st.integers(1, 40),
    st.none() | st.integers(0, 300),
)


@given(slices)
def test_every_item_is_in_the_slice_of_one_task(cut: Slices) -> None:
    found = [index for task in range(cut.tasks) for index in cut.items_of(task)]
    assert found == list(range(cut.items))
    assert all(
        cut.task_of(index) == task for task in range(cut.tasks) for index in cut.items_of(task)
    )


@given(slices)
def test_items_from_solo_from_on_have_a_task_each(cut: Slices) -> None:
    alone = range(min(cut.items if cut.solo_from is None else cut.solo_from, cut.items), cut.items)
    assert all(len(cut.items_of(cut.task_of(index))) == 1 for index in alone)


@given(st.integers(1, 60_000), st.integers(1, 50), st.none() | st.integers(0, 60_000))
def test_what_a_container_is_told_gives_the_slice_of_its_task(
    items: int, items_per_task: int, solo_from: int | None
) -> None:
    cut = Slices(items, items_per_task, solo_from)
    specs = split_into_batch_jobs("demo", 2, cut)
    assert all(1 <= spec.tasks <= MAX_CHILDREN for spec in specs)
    for spec in specs:
        for child in {0, spec.tasks - 1}:
            start = spec.first_item + child * spec.items_per_task
            slice_ = cut.items_of(spec.first_task + child)
            assert slice_.start == start
            # none goes on into the items of another: the last one of all ends with the universe
            assert slice_.stop == min(start + spec.items_per_task, items)


@pytest.mark.parametrize(
    ("items", "at_once", "chosen"),
    [
        (1, 128, 1),
        (128, 128, 1),
        (129, 128, 1),
        (2_000, 128, 2),
        (1_000_000, 128, 977),
        (1_000_000, 1, 1_000),
        (50, 2, 4),
    ],
)
def test_short_lists_have_an_item_a_task_and_long_ones_eight_rounds(
    items: int, at_once: int, chosen: int
) -> None:
    assert chosen_items_per_task(items, at_once) == chosen


@pytest.mark.parametrize(
    ("item", "size"),
    [("A", 250), ("x" * 256, 250), ("ü" * 256, 125), ("\U0001f600" * 252 + "123456789", 62)],
)
def test_a_chunk_has_64_kb_at_most(item: str, size: int) -> None:
    items = [item] * 1_000
    assert items_per_chunk(items) == size
    assert size * (len(item.encode()) + 3) <= MAX_CHUNK_BYTES


def test_indexes_are_four_bytes_each() -> None:
    packed = packed_indexes([0, 7, 999_999])
    assert len(packed) == 12
    assert indexes_in(packed) == (0, 7, 999_999)
