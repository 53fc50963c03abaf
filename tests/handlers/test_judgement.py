"""How items ended whose task ended before it said so."""

from __future__ import annotations

import pytest

from batchctl.contract import progress
from batchctl.contract.progress import Cell, ProgressRecord
from batchctl.contract.reasons import Failure, Reason, Success
from handlers.tracking.judgement import EndedTask, in_hand, judge

KILLED = Failure(Reason.EXIT_CODE, "the container ended with exit status 139", 139, 1, 2.0)
P, R, S = Cell.PENDING, Cell.RUNNING, Cell.SUCCEEDED


def ended(
    cells: list[int] | None,
    end: Failure | Success = KILLED,
    *,
    at_once: int = 1,
    has_runner: bool = True,
    ended_by: Reason | None = None,
) -> EndedTask:
    """A task of the items 10 to 14 of a run."""
    recorded = None if cells is None else ProgressRecord(1, 2, bytes(cells), at_once)
    return EndedTask(range(10, 15), end, recorded, has_runner, ended_by)


def reasons(task: EndedTask, *missing: int) -> dict[int, Reason | None]:
    ends = judge(task, missing)
    return {index: end.reason if isinstance(end, Failure) else None for index, end in ends.items()}


def test_what_was_in_hand_has_the_cause_and_what_never_began_says_so() -> None:
    task = ended([S, R, P, P, P])
    assert reasons(task, 11, 12, 13, 14) == {
        11: Reason.EXIT_CODE,
        12: Reason.NOT_RUN,
        13: Reason.NOT_RUN,
        14: Reason.NOT_RUN,
    }
    assert in_hand(task, [11, 12, 13, 14]) == {11}


def test_progress_may_be_older_than_the_last_results() -> None:
    """Item 11 has a result by now: then item 12 was begun, as the runner begins them in order."""
    task = ended([S, R, P, P, P])
    assert reasons(task, 12, 13, 14) == {
        12: Reason.EXIT_CODE,
        13: Reason.NOT_RUN,
        14: Reason.NOT_RUN,
    }


@pytest.mark.parametrize(
    ("missing", "in_hand_then"),
    [((11, 12, 13, 14), {11, 12}), ((12, 13, 14), {12, 13}), ((14,), {14})],
)
def test_as_many_may_have_been_in_hand_as_the_runner_works_on(
    missing: tuple[int, ...], in_hand_then: set[int]
) -> None:
    assert in_hand(ended([S, R, R, P, P], at_once=2), missing) == in_hand_then


def test_exit_status_0_makes_no_success_of_what_the_runner_did_not_record() -> None:
    done = Success(attempts=1, seconds=1.0)
    assert set(reasons(ended(None, done), 10, 11).values()) == {Reason.NOT_RUN}
    assert set(reasons(ended([S, R, P, P, P], done), 11, 12).values()) == {Reason.NOT_RUN}


def test_without_our_runner_the_exit_status_is_every_items_end() -> None:
    done = Success(attempts=1, seconds=1.0)
    assert judge(ended(None, done, has_runner=False), [10, 11]) == {10: done, 11: done}
    failed = ended(None, has_runner=False)
    assert reasons(failed, 10, 11) == {10: Reason.EXIT_CODE, 11: Reason.EXIT_CODE}
    # any of them may have been the one
    assert in_hand(failed, [10, 11]) == {10, 11}


def test_a_container_that_never_came_to_an_item_gives_them_all_its_cause() -> None:
    no_image = Failure(Reason.IMAGE, "could not be pulled")
    assert set(reasons(ended(None, no_image), 10, 11, 12, 13, 14).values()) == {Reason.IMAGE}
    assert in_hand(ended(None, no_image), [10, 11, 12, 13, 14]) == frozenset()


def test_a_failure_of_which_only_the_progress_tells_keeps_its_reason() -> None:
    task = ended([progress.failed(Reason.TIMEOUT), S, R, P, P])
    assert reasons(task, 10, 11, 12) == {
        10: Reason.TIMEOUT,
        11: Reason.UNKNOWN,
        12: Reason.EXIT_CODE,
    }


def test_a_taken_host_makes_no_item_suspicious() -> None:
    reclaimed = Failure(Reason.SPOT_RECLAIM, "Spot took the host away, 10 times")
    task = ended([S, R, P, P, P], reclaimed)
    assert reasons(task, 11, 12) == {11: Reason.SPOT_RECLAIM, 12: Reason.NOT_RUN}
    assert in_hand(task, [11, 12]) == frozenset()


def test_what_a_limit_kept_from_its_end_has_the_limit_as_its_reason() -> None:
    terminated = Failure(Reason.TERMINATED, "the task was terminated: ended by batchctl")
    task = ended([S, R, P, P, P], terminated, ended_by=Reason.MAX_FAILURES)
    assert set(reasons(task, 11, 12, 13).values()) == {Reason.MAX_FAILURES}
    crashed = ended([S, R, P, P, P], ended_by=Reason.MAX_FAILURES)
    assert reasons(crashed, 11, 12) == {11: Reason.EXIT_CODE, 12: Reason.MAX_FAILURES}
