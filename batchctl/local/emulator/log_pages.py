"""FilterLogEvents page by page: MiniStack answers a first page of 10,000 events, and no token.

A token says how far the events of all streams, merged by time, have been read: the time of the last
one, and how many of that time there were before it. Source: CloudWatch Logs API Reference,
"FilterLogEvents".
"""

from __future__ import annotations

import base64
import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from importlib import import_module
from itertools import islice
from typing import Any

MAX_EVENTS = 10_000
"""FilterLogEvents: at most 10,000 events in an answer."""

Event = Mapping[str, Any]
Answer = tuple[int, Any, bytes]


@dataclass(frozen=True)
class Place:
    """How far has been read: the time of the last event, and how many of that time."""

    timestamp: int
    count: int

    def token(self) -> str:
        """Return it as a client gives it back."""
        return base64.urlsafe_b64encode(f"{self.timestamp}:{self.count}".encode()).decode()

    @classmethod
    def parse(cls, token: str) -> Place:
        """Read a token; ValueError for what is none."""
        timestamp, count = base64.urlsafe_b64decode(token).decode().split(":")
        return cls(int(timestamp), int(count))


@dataclass(frozen=True)
class Wanted:
    """What is asked for: which messages, of which time (milliseconds), how many, from where on."""

    matches: Callable[[str], bool]
    start: int | None
    end: int | None
    limit: int
    after: Place | None


def page(
    streams: Mapping[str, Sequence[Event]], wanted: Wanted
) -> tuple[list[dict[str, Any]], Place | None]:
    """Return the next events, each with its stream, and where to go on; None after the last.

    The events of each stream are in the order of their times.
    """
    found: list[dict[str, Any]] = []
    place = wanted.after
    for name, event in _rest(streams, wanted):
        if len(found) == wanted.limit:
            return found, place
        timestamp = event["timestamp"]
        is_same = place is not None and place.timestamp == timestamp
        place = Place(timestamp, place.count + 1 if place is not None and is_same else 1)
        if wanted.matches(event.get("message", "")):
            found.append({**event, "logStreamName": name})
    return found, None


def _rest(streams: Mapping[str, Sequence[Event]], wanted: Wanted) -> Iterator[tuple[str, Event]]:
    after = wanted.after
    merged = merge(
        *(_within(name, events, wanted) for name, events in streams.items()),
        key=lambda each: (each[1]["timestamp"], each[1].get("ingestionTime", 0)),
    )
    return merged if after is None else islice(merged, after.count, None)


def _within(name: str, events: Sequence[Event], wanted: Wanted) -> Iterator[tuple[str, Event]]:
    start = wanted.start if wanted.after is None else wanted.after.timestamp
    first = 0 if start is None else bisect_left(events, start, key=_timestamp)
    last = len(events) if wanted.end is None else bisect_right(events, wanted.end, key=_timestamp)
    return ((name, events[position]) for position in range(first, last))


def _timestamp(event: Event) -> int:
    return int(event["timestamp"])


def serve_pages() -> None:
    """Replace MiniStack's FilterLogEvents by one with pages."""
    logs = vars(import_module("ministack.services.cloudwatch_logs"))
    original: Callable[[Mapping[str, Any]], Answer] = logs["_filter_log_events"]

    def filter_log_events(request: Mapping[str, Any]) -> Answer:
        status, headers, body = original({**request, "limit": 0})
        if status != 200:
            return status, headers, body
        try:
            wanted = _wanted(request, logs["_compile_filter_pattern"])
        except ValueError:
            refusal: Answer = logs["error_response_json"](
                "InvalidParameterException", "The specified nextToken is invalid.", 400
            )
            return refusal
        group = logs["_resolve_log_group_name"](request)
        with logs["_log_events_lock"]:
            streams = logs["_log_groups"][group]["streams"]
            names = request.get("logStreamNames") or list(streams)
            # What is written from now on is in lists of their own, or behind what is read here.
            events = {name: streams[name]["events"] for name in names if name in streams}
        found, place = page(events, wanted)
        answer = {**json.loads(body), "events": found}
        return status, headers, json.dumps(answer | _next(place)).encode()

    logs["_filter_log_events"] = filter_log_events


def _wanted(request: Mapping[str, Any], compiled: Callable[[str], Callable[[str], bool]]) -> Wanted:
    token = request.get("nextToken")
    return Wanted(
        compiled(request.get("filterPattern", "")),
        request.get("startTime"),
        request.get("endTime"),
        min(request.get("limit", MAX_EVENTS), MAX_EVENTS),
        Place.parse(token) if token else None,
    )


def _next(place: Place | None) -> dict[str, str]:
    return {} if place is None else {"nextToken": place.token()}
