"""When a task's progress is written, and that it costs nothing when it can't be."""

from __future__ import annotations

import threading

import pytest
from runner_jobs import Jobs, Runner
from table_server import TableServer

from batchctl.contract.progress import Cell
from batchctl.runner.progress import PAUSE_S, PAUSE_YOUNG_S, YOUNG_S, Progress


class Writes:
    """What was written; a write is over when it is seen here."""

    def __init__(self) -> None:
        self.cells: list[bytes] = []
        self.errors: list[str] = []
        self.is_refused = False
        self.is_new = threading.Semaphore(0)

    def write(self, cells: bytes) -> None:
        self.cells.append(cells)
        self.is_new.release()
        if self.is_refused:
            raise OSError("away")

    def next(self) -> bytes:
        assert self.is_new.acquire(timeout=60)
        return self.cells[-1]


@pytest.fixture
def writes() -> Writes:
    return Writes()


@pytest.fixture
def progress(writes: Writes) -> Progress:
    made = Progress(writes.write, writes.errors.append, now=0.0)
    made.start([Cell.PENDING, Cell.SUCCEEDED], now=0.0)
    assert writes.next() == b"\0\2"
    return made


def test_nothing_is_written_while_nothing_changes(progress: Progress) -> None:
    progress.set(1, Cell.SUCCEEDED)
    assert progress.due_in(1000.0) is None


@pytest.mark.parametrize(
    ("now", "pause"), [(1.0, PAUSE_YOUNG_S), (YOUNG_S + 1, PAUSE_S)], ids=["young", "old"]
)
def test_changes_are_written_soon_while_a_task_is_young_and_later_less_often(
    progress: Progress, writes: Writes, now: float, pause: float
) -> None:
    progress.set(0, Cell.RUNNING)
    progress.end(now)
    progress.set(0, Cell.SUCCEEDED)

    assert progress.due_in(now) == pause
    progress.write_if_due(now + pause - 0.1)
    assert writes.cells[-1] == b"\1\2"
    progress.write_if_due(now + pause)
    writes.next()
    assert writes.next() == b"\2\2"


def test_the_last_state_is_written_before_the_end(progress: Progress, writes: Writes) -> None:
    progress.set(0, Cell.SUCCEEDED)
    progress.end(0.1)
    assert writes.cells == [b"\0\2", b"\2\2"]
    assert progress.count_succeeded() == progress.size == 2


def test_a_write_that_fails_is_said_once_and_the_next_one_has_it_all(
    progress: Progress, writes: Writes
) -> None:
    writes.is_refused = True
    for number in range(1, 4):
        progress.set(0, number % 2)
        progress.end(0.1 * number)
    assert writes.errors == ["away"]
    assert len(writes.cells) == 4


def test_a_task_whose_progress_cannot_be_written_succeeds(
    jobs: Jobs, runner: Runner, server: TableServer
) -> None:
    # Only the right to write results is there, as for a job role of an earlier version.
    runner.compute("def compute(item, parameters): return {}")
    jobs.put(["A", "B"])
    refused = {"__type": "x#AccessDeniedException", "message": "no"}
    server.fault_of_body = lambda body: refused if b"#PROGRESS" in body else None

    done = runner.run()

    assert (done.status, jobs.statuses()) == (0, {"A": "SUCCEEDED", "B": "SUCCEEDED"})
    assert [line for line in done.lines if "warning" in line] == [
        {
            "warning": "could not record the task's progress: An error occurred"
            " (AccessDeniedException) when calling the PutItem operation: no"
        }
    ]
