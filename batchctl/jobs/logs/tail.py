"""Following the logs of a job's tasks while they run."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from batchctl.jobs.logs.attempts import Attempt, Child, describe
from batchctl.jobs.logs.reader import STREAMS_PER_CALL, Key, Line, LogReader
from batchctl.jobs.record import IDS_PER_CALL, Task

POLL_S = 2.0
DESCRIBED_A_POLL = 10 * IDS_PER_CALL
"""Of a huge array not all tasks are asked for at each look, but these, in turn."""
OVERLAP_MS = 30_000
"""Lines show up some seconds after they were written: each look begins so long before the last."""
MAX_UNKNOWN_POLLS = 60
"""Batch may not know a new task at once; one that stays unknown for minutes it has forgotten."""
POLLS_AFTER_THE_END = 3
"""The agent on the host sends its last lines some seconds after the end (5 s by default)."""
POLLS_FOR_MORE = 30
"""So long is waited after tasks have failed: their items may be run again by themselves."""


@dataclass(frozen=True)
class Submitted:
    """What was submitted of a job since the last look: its new tasks, and whether more may follow.

    `ended`: nothing will. `whole`: all tasks of the present run are submitted, so that more come
    only if it is run again.
    """

    tasks: Iterable[Task] = ()
    ended: bool = False
    whole: bool = True


@dataclass
class _Followed:
    """An attempt whose stream is read; `polls_left` counts down once it is over."""

    attempt: Attempt
    is_new: bool = True
    polls_left: int = POLLS_AFTER_THE_END


@dataclass
class Tail:
    """Follows tasks: each of their lines once, about when it is written.

    `more` tells at each look what was submitted since the last one.
    """

    reader: LogReader
    tasks: Iterable[Task]
    since_ms: int | None = None
    more: Callable[[], Submitted] = lambda: Submitted(ended=True)
    _pending: deque[Task] = field(default_factory=deque)
    _streams: dict[str, _Followed] = field(default_factory=dict)
    _done: set[str] = field(default_factory=set)
    _written: dict[Key, int] = field(default_factory=dict)
    _newest_ms: int = 0
    _unknown_polls: int = 0
    _failed: bool = False
    _idle_polls: int = 0

    def lines(self, pause: Callable[[float], object]) -> Iterator[Line]:
        """Yield lines until all tasks have ended and their logs are read; `pause` takes seconds."""
        self._pending.extend(self.tasks)
        while True:
            self._poll()
            yield from self._new_lines()
            self._let_go()
            if self._is_over(self.more()):
                return
            pause(POLL_S)

    def _is_over(self, more: Submitted) -> bool:
        """Follow what was submitted since; whether nothing is left to follow, nor to come."""
        self._pending.extend(more.tasks)
        if self._pending or self._streams:
            self._idle_polls = 0
            return False
        self._idle_polls += 1
        if more.ended or self._unknown_polls >= MAX_UNKNOWN_POLLS:
            return True
        # Nobody but who asks the API notes that all went well: the record may never say it.
        return more.whole and (not self._failed or self._idle_polls > POLLS_FOR_MORE)

    def _poll(self) -> None:
        """Ask for the next tasks in turn; those that have ended are not asked for again."""
        count = min(len(self._pending), DESCRIBED_A_POLL)
        asked = [self._pending.popleft() for _ in range(count)]
        known = list(describe(self.reader.aws, asked))
        ended = {child.task for child in known if child.ended}
        self._pending.extend(task for task in asked if task not in ended)
        for child in known:
            self._follow(child)
        self._failed |= any(child.failed for child in known)
        self._unknown_polls = 0 if known or not asked else self._unknown_polls + 1
        if self._unknown_polls >= MAX_UNKNOWN_POLLS:
            self._pending.clear()

    def _follow(self, child: Child) -> None:
        for attempt in child.attempts:
            stream = attempt.stream
            if stream is None or stream in self._done:
                continue
            followed = self._streams.setdefault(stream, _Followed(attempt))
            followed.attempt = attempt
            if child.ended or attempt is not child.attempts[-1]:
                self._done.add(stream)

    def _new_lines(self) -> Iterator[Line]:
        new = [each for each in self._streams.values() if each.is_new]
        known = [each for each in self._streams.values() if not each.is_new]
        last_ms = max(self._newest_ms - OVERLAP_MS, self.since_ms or 0)
        for followed, since_ms in ((known, last_ms), (new, self.since_ms)):
            yield from self._lines_of([each.attempt for each in followed], since_ms)
        for each in new:
            each.is_new = False

    def _lines_of(self, attempts: list[Attempt], since_ms: int | None) -> Iterator[Line]:
        rest = iter(attempts)
        while chunk := list(islice(rest, STREAMS_PER_CALL)):
            for key, line in self.reader.keyed(chunk, since_ms):
                if key not in self._written:
                    self._written[key] = line.written_at
                    self._newest_ms = max(self._newest_ms, line.written_at)
                    yield line

    def _let_go(self) -> None:
        """Let go of streams that ended some looks ago, and of lines that no look gives again."""
        for stream in self._done & self._streams.keys():
            self._streams[stream].polls_left -= 1
            if not self._streams[stream].polls_left:
                del self._streams[stream]
        oldest_ms = self._newest_ms - OVERLAP_MS
        self._written = {key: at for key, at in self._written.items() if at >= oldest_ms}
