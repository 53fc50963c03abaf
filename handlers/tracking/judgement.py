"""Judges how items ended whose task has ended and that have no result: pure, no calls.

A container with our runner records what happens to each item, so what it did not record did not
happen: exit status 0 makes no success. Its progress says which items were in hand when it ended;
what ended the container is their reason, and the others of its slice never began. Any other
container says all by its exit status.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from batchctl.contract.progress import Cell, ProgressRecord, reason_of
from batchctl.contract.reasons import NOT_RUN, RAN_NOTHING, Failure, Reason, Success

NO_TURN = frozenset({Reason.TERMINATED, Reason.NOT_RUN, Reason.UNKNOWN})
"""Reasons of items that a limit of the job may have kept from running, or ended."""

BY_A_LIMIT = {
    Reason.MAX_FAILURES: "the job was ended, as more items had failed than it may have",
    Reason.BUDGET: "the job was ended, as it had cost what it may",
}


@dataclass(frozen=True)
class EndedTask:
    """A task that has ended: which items of the run are its own, how, and what it recorded.

    `progress` is `None` where it recorded none. `ended_by` is the limit that ended the whole job.
    """

    slice: range
    end: Failure | Success
    progress: ProgressRecord | None
    has_runner: bool
    ended_by: Reason | None = None


SUSPICIOUS = frozenset(
    {Reason.EXIT_CODE, Reason.OUT_OF_MEMORY, Reason.TIMEOUT, Reason.HOST, Reason.UNKNOWN}
)
"""What an item may have done to its container."""


def in_hand(task: EndedTask, missing: Sequence[int]) -> frozenset[int]:
    """Return the items that may have ended their container, and with it others of its slice."""
    end = task.end
    if isinstance(end, Success) or end.reason not in SUSPICIOUS or len(task.slice) == 1:
        return frozenset()
    if task.progress is None:
        # Without any progress the runner never came to an item.
        return frozenset() if task.has_runner else frozenset(missing)
    return frozenset(_in_hand(task.slice, task.progress, missing))


def judge(task: EndedTask, missing: Sequence[int]) -> dict[int, Failure | Success]:
    """Return how each item of a task ended that has no result; `missing` are their indexes.

    They are all of its slice, in order: the runner begins them in order, and what it recorded of
    its progress may be some seconds old.
    """
    ends = _ends(task, missing)
    if task.ended_by is None:
        return ends
    return {index: _by_limit(end, task.ended_by) for index, end in ends.items()}


def _ends(task: EndedTask, missing: Sequence[int]) -> dict[int, Failure | Success]:
    progress = task.progress
    if progress is None:
        is_silent = task.has_runner and isinstance(task.end, Success)
        end = _failure(task.end, RAN_NOTHING.cause) if is_silent else task.end
        return dict.fromkeys(missing, end)
    begun = frozenset(_in_hand(task.slice, progress, missing))
    return {index: _end(task, progress, index, begun) for index in missing}


def _in_hand(slice_: range, progress: ProgressRecord, missing: Sequence[int]) -> Iterable[int]:
    """Yield what was in hand, or may have been: as many items as the runner works on at once."""
    running = [index for index in missing if _cell(slice_, progress, index) == Cell.RUNNING]
    pending = [index for index in missing if _cell(slice_, progress, index) == Cell.PENDING]
    yield from running
    yield from pending[: max(0, progress.at_once - len(running))]


def _end(
    task: EndedTask, progress: ProgressRecord, index: int, begun: frozenset[int]
) -> Failure | Success:
    cell = _cell(task.slice, progress, index)
    if (reason := reason_of(cell)) is not None:
        said = f"the task recorded {reason} for this item, and no more of it"
        return _failure(task.end, said, reason)
    if cell == Cell.SUCCEEDED:
        return _failure(task.end, "it succeeded, and its result is not there", Reason.UNKNOWN)
    if isinstance(task.end, Success):
        return _failure(task.end, "the container ended with exit status 0, and recorded nothing")
    if index in begun:
        return task.end
    return Failure(Reason.NOT_RUN, f"{NOT_RUN.cause} ({task.end.error})")


def _failure(end: Failure | Success, error: str, reason: Reason = Reason.NOT_RUN) -> Failure:
    return Failure(reason, error, None, end.attempts, end.seconds)


def _by_limit(end: Failure | Success, limit: Reason) -> Failure | Success:
    if isinstance(end, Success) or end.reason not in NO_TURN:
        return end
    return Failure(limit, BY_A_LIMIT.get(limit, "the job was ended by a limit of its own"))


def _cell(slice_: range, progress: ProgressRecord, index: int) -> int:
    at = index - slice_.start
    return progress.cells[at] if at < len(progress.cells) else Cell.PENDING
