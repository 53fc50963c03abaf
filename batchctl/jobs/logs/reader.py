"""What the tasks of a job wrote, across their attempts: from Batch to log streams to lines.

Batch names the log stream of each attempt of each task. CloudWatch Logs reads up to 100 streams
at once (API Reference, FilterLogEvents), in the order of time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from batchctl.aws.errors import is_missing, message_of
from batchctl.aws.session import Aws
from batchctl.jobs.logs.attempts import Attempt

STREAMS_PER_CALL = 100
EVENTS_PER_CALL = 10_000

Key = str | tuple[str, int, str, int]
"""What tells a line from all others: CloudWatch's id of it or, locally, where and what it is."""


@dataclass(frozen=True)
class Line:
    """A line of a task's log; `written_at` in milliseconds since the epoch.

    `run` is which run of the job it is of, `attempt` which attempt at the task's container, `item`
    which item it is about, where the runner says so.
    """

    run: int
    task: int
    attempt: int
    written_at: int
    text: str
    item: str | None = None


@dataclass(frozen=True)
class LogReader:
    """Reads lines of one log group; `events_per_call` is what a page has at most."""

    aws: Aws
    group: str
    events_per_call: int = EVENTS_PER_CALL

    def read(self, attempts: Iterable[Attempt], since_ms: int | None = None) -> Iterator[Line]:
        """Yield the lines of attempts written since then: those of 100 attempts by time, and so on.

        One page of lines is in memory at a time.
        """
        rest = (attempt for attempt in attempts if attempt.stream)
        while chunk := list(islice(rest, STREAMS_PER_CALL)):
            for _, line in self.keyed(chunk, since_ms):
                yield line

    def keyed(self, chunk: Sequence[Attempt], since_ms: int | None) -> Iterator[tuple[Key, Line]]:
        """Yield the lines of up to 100 attempts by time, each with its key."""
        attempts = {str(attempt.stream): attempt for attempt in chunk}
        for key, event in self._events(LogCursor(list(attempts), since_ms)):
            attempt = attempts[event["logStreamName"]]
            text = str(event["message"]).rstrip("\r\n")
            yield key, _line(attempt, int(event["timestamp"]), text)

    def _events(self, place: LogCursor) -> Iterator[tuple[Key, Mapping[str, Any]]]:
        while True:
            events, token = self._page(place)
            for event in events:
                key = place.key_of(event)
                if key is not None:
                    yield key, event
            if token is None and len(events) < self.events_per_call:
                return
            if not place.move_on(token):
                return

    def _page(self, place: LogCursor) -> tuple[Sequence[Mapping[str, Any]], str | None]:
        try:
            answer: Mapping[str, Any] = self.aws.logs.filter_log_events(
                logGroupName=self.group, limit=self.events_per_call, **place.request()
            )
        except ClientError as error:
            if not is_missing(error):
                raise
            place.streams = [] if "log group" in message_of(error) else self._present(place.streams)
            return self._page(place) if place.streams else ([], None)
        return answer["events"], answer.get("nextToken")

    def _present(self, streams: Sequence[str]) -> list[str]:
        """Return the streams that exist, of those among which at least one doesn't.

        A stream is there from its first line on, and FilterLogEvents refuses all streams for one
        that isn't: halves are asked for until all of a part is there or it is one stream alone.
        """
        middle = len(streams) // 2
        halves = (streams[:middle], streams[middle:]) if middle else ()
        return [
            stream
            for half in halves
            for stream in (half if self._are_there(half) else self._present(half))
        ]

    def _are_there(self, streams: Sequence[str]) -> bool:
        try:
            self.aws.logs.filter_log_events(
                logGroupName=self.group, logStreamNames=list(streams), limit=1
            )
        except ClientError as error:
            if is_missing(error):
                return False
            raise
        return True


def _line(attempt: Attempt, written_at: int, text: str) -> Line:
    task = attempt.task
    return Line(task.run, task.number, attempt.number, written_at, text)


@dataclass
class LogCursor:
    """Where reading some streams has come to.

    AWS goes on by a token. The local cloud has none: there a full page is followed by one from its
    time of its last line on, whose lines are told apart from those read before by counting them.
    """

    streams: Sequence[str]
    start_ms: int | None
    token: str | None = None
    time_ms: int = -1
    counted: dict[tuple[str, int, str], int] = field(default_factory=dict)
    read: frozenset[Key] = frozenset()

    def request(self) -> dict[str, Any]:
        """Return the parameters of the next call."""
        given = {"startTime": self.start_ms, "nextToken": self.token}
        present = {name: value for name, value in given.items() if value is not None}
        return {"logStreamNames": list(self.streams), **present}

    def key_of(self, event: Mapping[str, Any]) -> Key | None:
        """Return the key of the next event, None when it was read before."""
        if "eventId" in event:
            return str(event["eventId"])
        same = (event["logStreamName"], int(event["timestamp"]), event["message"])
        if same[1] != self.time_ms:
            self.time_ms, self.counted = same[1], {}
        self.counted[same] = self.counted.get(same, 0) + 1
        key = (*same, self.counted[same])
        return None if key in self.read else key

    def move_on(self, token: str | None) -> bool:
        """Go to the next page; False when a page without a token has lines of one time only."""
        self.token = token
        if token is not None:
            return True
        if self.time_ms == self.start_ms or self.time_ms < 0:
            return False
        self.start_ms = self.time_ms
        self.read = frozenset(
            (*same, number + 1) for same, many in self.counted.items() for number in range(many)
        )
        self.time_ms = -1
        return True


def last_lines(aws: Aws, group: str, stream: str, most: int) -> tuple[str, ...]:
    """Return the last lines of a log stream, in their order; raises ClientError."""
    answer = aws.logs.get_log_events(
        logGroupName=group, logStreamName=stream, limit=most, startFromHead=False
    )
    return tuple(str(each["message"]).rstrip() for each in answer["events"])
