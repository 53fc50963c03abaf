"""A compute container, which reads and records as the runner's own code does, step by step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from surroundings import TABLE, Clock

from batchctl.contract.environment import Container as Variable
from batchctl.contract.progress import Cell, ProgressRecord, failed
from batchctl.contract.reasons import Reason
from batchctl.contract.statuses import ItemStatus
from batchctl.runner.job_table import JobTable, Outcome, Work
from batchctl.runner.options import Task, parse
from batchctl.runner.patience import Patience


def variables(detail: dict[str, Any], processes: int) -> dict[str, str]:
    """The environment of a task's container: the job definition's, and what its Batch job says."""
    own = {each["name"]: each["value"] for each in detail["container"]["environment"]}
    index = detail.get("arrayProperties", {}).get("index")
    child = {} if index is None else {Variable.ARRAY_INDEX: str(index)}
    defined = {Variable.TABLE: TABLE, Variable.PROCESSES: str(processes)}
    return {**defined, **own, **child}


def memory_of(detail: dict[str, Any]) -> int | None:
    """The memory that the Batch job asks for; None: what the definition says."""
    asked = detail["container"].get("resourceRequirements", [])
    return next((int(each["value"]) for each in asked if each["type"] == "MEMORY"), None)


@dataclass
class RunningContainer:
    """A container with our runner at an attempt of a task; `hand` are places in its slice."""

    table: JobTable
    clock: Clock
    task: Task
    work: Work
    memory_mib: int | None
    cells: bytearray
    hand: list[int] = field(default_factory=list)

    @classmethod
    def start(
        cls, client: Any, clock: Clock, detail: dict[str, Any], processes: int
    ) -> RunningContainer:
        task = parse([], variables(detail, processes))
        table = JobTable(client, task.table, clock.sleep)
        work = table.read(task.slice)
        cells = bytearray(
            Cell.SUCCEEDED if item in work.succeeded else Cell.PENDING for item in work.slice
        )
        made = cls(table, clock, task, work, memory_of(detail), cells)
        made.record_progress()
        return made

    @property
    def at_once(self) -> int:
        return max(1, min(self.task.processes, len(self.work.items)))

    @property
    def pending(self) -> list[int]:
        """Places in the slice that have not begun, in order."""
        return [at for at, cell in enumerate(self.cells) if cell == Cell.PENDING]

    @property
    def is_done(self) -> bool:
        return not self.pending and not self.hand

    def begin(self) -> str | None:
        """Begin the next item, if there is one and a place for it."""
        if not self.pending or len(self.hand) >= self.at_once:
            return None
        at = self.pending[0]
        self.cells[at] = Cell.RUNNING
        self.hand.append(at)
        return self.work.slice[at]

    def end_item(self, at: int, outcome: Outcome) -> bool:
        """Record how an item in hand ended, for as long as it takes; gives whether it counts."""
        patience = Patience(self.clock.sleep, self.clock)
        until = self.clock() + (self.task.attempt_s or 86_400.0)
        job_id, item = self.task.slice.job_id, self.work.slice[at]
        recorded = patience.call(
            lambda: self.table.record(job_id, item, outcome, self.work.expires_at), lambda: until
        )
        self.hand.remove(at)
        succeeded = not recorded or outcome.status is ItemStatus.SUCCEEDED
        self.cells[at] = Cell.SUCCEEDED if succeeded else failed(outcome.reason)
        return recorded

    def record_progress(self) -> None:
        record = ProgressRecord(
            self.task.slice.run, self.task.number, bytes(self.cells), self.at_once
        )
        self.table.record_progress(self.task.slice.job_id, record, self.work.expires_at)

    @property
    def exit_code(self) -> int:
        return 0 if self.cells.count(Cell.SUCCEEDED) == len(self.cells) else 1


def succeeded(item: str) -> Outcome:
    return Outcome(f'{{"of":"{item}"}}', None, 1, 0.1)


def failed_by(reason: Reason) -> Outcome:
    return Outcome(None, f"it failed: {reason}", 1, 0.1, reason)
