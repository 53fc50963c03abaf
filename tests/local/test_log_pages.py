"""Pages of log events: each event of all streams once, in the order of time."""

from __future__ import annotations

from typing import Any

import pytest

from batchctl.local.emulator.log_pages import Place, Wanted, page


def stream(*timestamps: int) -> list[dict[str, Any]]:
    return [
        {"timestamp": timestamp, "message": f"line {number}", "ingestionTime": timestamp}
        for number, timestamp in enumerate(timestamps)
    ]


def wanted(limit: int, after: Place | None = None, start: int | None = None) -> Wanted:
    return Wanted(lambda _message: True, start, None, limit, after)


def read(streams: dict[str, list[dict[str, Any]]], limit: int) -> list[list[dict[str, Any]]]:
    found, place = page(streams, wanted(limit))
    pages = [found]
    while place is not None:
        found, place = page(streams, wanted(limit, Place.parse(place.token())))
        pages.append(found)
    return pages


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 100])
def test_pages_of_any_size_have_each_event_once_in_the_order_of_time(limit: int) -> None:
    streams = {"a": stream(1, 1, 1, 2, 5), "b": stream(1, 2, 2, 9), "c": []}
    pages = read(streams, limit)
    events = [event for each in pages for event in each]
    assert [event["timestamp"] for event in events] == [1, 1, 1, 1, 2, 2, 2, 5, 9]
    assert len({(event["logStreamName"], event["message"]) for event in events}) == 9
    assert all(len(each) <= limit for each in pages)


def test_the_last_page_has_no_token() -> None:
    _, place = page({"a": stream(1, 2)}, wanted(2))
    assert place is None


def test_what_doesnt_match_is_passed_over_and_not_read_again() -> None:
    matching = Wanted(lambda message: message != "line 1", 2, 4, 1, None)
    streams = {"a": stream(1, 2, 3, 4, 5)}
    found, place = page(streams, matching)
    assert [event["timestamp"] for event in found] == [3]
    found, place = page(streams, Wanted(matching.matches, 2, 4, 1, place))
    assert [event["timestamp"] for event in found] == [4]
    assert place is None


@pytest.mark.parametrize("token", ["x", "bm9uZQ==", "MTp4"])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Place.parse(token)
