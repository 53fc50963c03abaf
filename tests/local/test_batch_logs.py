from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from batchctl.local.batch.running.logs import MAX_BATCH_BYTES, MAX_BATCH_EVENTS, batches


def event(message: str) -> dict[str, Any]:
    return {"timestamp": 1, "message": message}


@given(st.lists(st.integers(1, 200_000), max_size=30))
def test_batches_keep_every_event_in_order_and_stay_within_the_limit(sizes: list[int]) -> None:
    events = [event("x" * size) for size in sizes]
    cut = list(batches(events))
    assert [item for batch in cut for item in batch] == events
    assert all(sum(len(e["message"]) + 26 for e in batch) <= MAX_BATCH_BYTES for batch in cut)


def test_a_batch_has_no_more_events_than_cloudwatch_takes() -> None:
    cut = list(batches([event("x")] * (MAX_BATCH_EVENTS + 1)))
    assert [len(batch) for batch in cut] == [MAX_BATCH_EVENTS, 1]
