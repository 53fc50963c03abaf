from __future__ import annotations

import io
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from batchctl.local.batch.running.logs import MAX_BATCH_BYTES, MAX_BATCH_EVENTS, Lines, batches


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


def printed(output: bytes, most_bytes: int) -> list[str]:
    lines = Lines(io.BytesIO(output), lambda: 1.0, "task", most_bytes)
    found: list[str] = []
    while not lines.has_ended:
        found += [each["message"] for each in lines.take(5.0)]
    return found


def test_an_output_without_end_is_cut_and_its_last_line_says_by_how_much() -> None:
    output = b"0123456789\n" * 1000
    found = printed(output, 50 * (11 + 26))
    assert found[:50] == ["0123456789"] * 50
    cut = "[batchctl: the local cloud leaves out 10,450 bytes of output here]"
    assert found[50:] == [cut]


def test_an_output_below_the_limit_is_whole() -> None:
    assert printed(b"one\n\ntwo", 1000) == ["one", " ", "two"]
