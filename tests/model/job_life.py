"""The life of one job: all that outlives a process, and each process as one call.

The functions' and the runner's code is the real one; DynamoDB, SQS and AWS Batch are doubles.
"""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from batch_cloud import BatchCloud
from container import RunningContainer, failed_by, succeeded
from fates import Killed
from memory_dynamodb import MemoryDynamoDB
from surroundings import QUEUE_ARN, TABLE, Clock
from wires import Plan, Queue, Wire

from batchctl.contract.control import Action, RefusedError, Request
from batchctl.contract.job_options import JobOptions
from batchctl.contract.job_record import JobRecord
from batchctl.contract.progress import Cell
from batchctl.contract.reasons import Reason
from batchctl.contract.statuses import TaskStatus
from handlers.batch.messages import Messages
from handlers.batch.split_lease import LeaseHeldError, LeaseLostError, SplitLeases
from handlers.batch.splitter import Splitter
from handlers.batch.submission import NotSubmittedError, Submission, TaskSettings
from handlers.batch.termination import HandOver, Marker, Terminator
from handlers.http.reader import Reader, Wanted
from handlers.http.receiver import Receiver
from handlers.http.request import NewTask
from handlers.http.slicing import Slicing
from handlers.store.jobs import JobStore
from handlers.store.service_clock import ServiceClock
from handlers.tracking.cancel import Canceller
from handlers.tracking.events import ComesAgainError, Tracker
from handlers.tracking.failure_records import FailureRecords
from handlers.tracking.follow_ups import FollowUps
from handlers.tracking.monitor import Monitor
from handlers.tracking.retry import Invocation, Retrier

JOB_ID = "demo-1"
GOOD = Plan
REMAINING_MS = 60_000
MOST_RECEIVES = 5
FORGIVEN = (Killed, LeaseHeldError, LeaseLostError, NotSubmittedError)
"""What may end a splitter: its message comes again."""


@dataclass(frozen=True)
class Nature:
    """What an application and a job of it are like: `poison` items end their container.

    `greedy` ones run out of any memory but the largest size, `wrong` ones raise.
    """

    items: int = 4
    items_per_task: int = 2
    processes: int = 1
    has_runner: bool = True
    max_failures: int | None = None
    memory_sizes: tuple[int, ...] = ()
    has_on_demand: bool = False
    poison: frozenset[int] = frozenset()
    greedy: frozenset[int] = frozenset()
    wrong: frozenset[int] = frozenset()

    @property
    def universe(self) -> list[str]:
        return [f"item-{number}" for number in range(self.items)]

    @property
    def task(self) -> NewTask:
        options = JobOptions(items_per_task=self.items_per_task, max_failures=self.max_failures)
        return NewTask(JOB_ID, self.universe, "{}", "hash", options)

    def is_in(self, item: str, numbers: frozenset[int]) -> bool:
        return int(item.removeprefix("item-")) in numbers

    def has_too_little(self, item: str, memory_mib: int | None) -> bool:
        largest = max(self.memory_sizes, default=0)
        return self.is_in(item, self.greedy) and (memory_mib or 0) < max(largest, 1)


@dataclass
class Skewed:
    """A clock that is wrong by so many seconds."""

    true: Clock
    by: float = 0.0

    def __call__(self) -> float:
        return self.true() + self.by


@dataclass
class Life:
    """Everything that outlives a process; each method but the last ones is a process."""

    nature: Nature
    job_id: str = JOB_ID
    clock: Clock = field(default_factory=Clock)
    dynamodb: MemoryDynamoDB = field(default_factory=MemoryDynamoDB)
    queue: Queue = field(default_factory=Queue)
    batch: BatchCloud = field(init=False)
    containers: dict[str, RunningContainer] = field(default_factory=dict)
    ghosts: list[RunningContainer] = field(default_factory=list)
    computed: set[str] = field(default_factory=set)
    receives: dict[str, int] = field(default_factory=dict)
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.batch = BatchCloud(self.clock)

    def submit(self, plan: Plan, skew: float = 0.0) -> None:
        store, messages = self._store(plan, skew), self._messages(plan)
        Receiver(store, messages, Slicing(1)).receive(self.nature.task)

    def split(self, plan: Plan, skew: float = 0.0) -> None:
        """Deliver the first message: it comes again, behind the others, when that fails."""
        body = self.queue.bodies.pop(0)
        store, submission = self._store(plan, skew), self._submission(plan)
        batch: Any = Wire(self.batch, plan)
        marker = Marker(submission, batch)
        splitter = Splitter(
            SplitLeases(store, self.nature.has_runner),
            submission,
            Terminator(store, submission, batch, marker),
        )
        try:
            splitter.split(self.job_id, f"splitter-{next(self.ids)}", REMAINING_MS)
        except FORGIVEN:
            self.receives[body] = self.receives.get(body, 0) + 1
            if self.receives[body] < MOST_RECEIVES:
                self.queue.bodies.append(body)
            else:
                self.receives[body] = 0  # it lies in the dead letters
        else:
            self.receives[body] = 0

    def track(self, number: int, plan: Plan, skew: float = 0.0, *, hurried: bool = False) -> bool:
        """Deliver an event; gives whether that was the last that Lambda does about it."""
        monitor = self._monitor(plan, skew)
        batch: Any = Wire(self.batch, plan)
        deadline = self._deadline(hurried)
        try:
            Tracker(monitor.store, monitor, batch).track(self.batch.events[number], deadline)
        except (ComesAgainError, Killed):
            return False
        return True

    def cancel(self, plan: Plan, skew: float = 0.0) -> None:
        monitor = self._monitor(plan, skew)
        canceller = Canceller(monitor.store, monitor, self._trackers_terminator(plan, skew))
        with contextlib.suppress(RefusedError):
            canceller.cancel(self.job_id, math.inf)

    def retry(self, plan: Plan, skew: float = 0.0, *, hurried: bool = False) -> None:
        monitor = self._monitor(plan, skew)
        retrier = Retrier(
            monitor.store,
            monitor,
            self._trackers_terminator(plan, skew),
            self._messages(plan),
            self.nature.has_on_demand,
        )
        call = Invocation(f"retry-{next(self.ids)}", REMAINING_MS)
        with contextlib.suppress(RefusedError):
            retrier.retry(Request(Action.RETRY, self.job_id), call, self._deadline(hurried))

    def read(self, plan: Plan, skew: float = 0.0) -> dict[str, Any]:
        """How the job is shown, with all the pages of its results."""
        monitor = self._monitor(plan, skew)
        reader = Reader(monitor.store, monitor, self._messages(plan))
        shown = page = reader.job(self.job_id, 1000)
        results: dict[str, Any] = {}
        while True:
            found: Any = page["results"]
            results |= found
            if "next" not in page:
                return shown | {"results": results}
            page = reader.job(self.job_id, 1000, Wanted(max(found)))

    def record(self) -> JobRecord | None:
        return self._store(GOOD(), 0.0).read(self.job_id)

    def start(self, task: str) -> None:
        """Start a task's container."""
        self.batch.begin(task)
        if self.nature.has_runner:
            wire = Wire(self.dynamodb, GOOD())
            detail = self.batch.tasks[task]
            made = RunningContainer.start(wire, self.clock, detail, self.nature.processes)
            self.containers[task] = made

    def step(self, task: str, *, may_begin: bool = True) -> None:
        """Let a container do what comes next: begin an item, or end the oldest in hand, or exit."""
        if (container := self.containers.get(task)) is None:
            self._end_own_image(task)
        elif self.batch.tasks[task].get("isTerminated"):
            self.stop(task)
        elif may_begin and (item := container.begin()) is not None:
            if self.nature.is_in(item, self.nature.poison):
                self.crash(task, 139)
        elif container.hand:
            self._end_item(container, container.hand[0])
        elif container.is_done:
            container.record_progress()
            self._gone(task, container.exit_code)

    def crash(self, task: str, code: int | None, reason: str = "", **more: str) -> None:
        """End a container at once, whatever it has in hand."""
        self._gone(task, code, reason, **more)

    def lose_host(self, task: str, reason: str) -> None:
        """Take the host away; its container may go on for a while, and nobody hears of its end."""
        if (container := self.containers.get(task)) is not None:
            self.ghosts.append(container)
        self._gone(task, None, status_reason=reason)

    def stop(self, task: str) -> None:
        """SIGTERM: what is in hand is given up, what was computed is recorded."""
        if (container := self.containers.get(task)) is not None:
            container.record_progress()
        self._gone(task, 143)

    def haunt(self) -> None:
        """Let a container whose host is gone record what it still has in hand."""
        container = self.ghosts.pop(0)
        for at in list(container.hand):
            self._end_item(container, at)
        container.record_progress()

    def running(self) -> list[str]:
        return [
            task
            for task, detail in self.batch.tasks.items()
            if detail["status"] == TaskStatus.RUNNING
        ]

    def _end_item(self, container: RunningContainer, at: int) -> None:
        item = container.work.slice[at]
        if self.nature.has_too_little(item, container.memory_mib):
            container.end_item(at, failed_by(Reason.OUT_OF_MEMORY))
        elif self.nature.is_in(item, self.nature.wrong):
            container.end_item(at, failed_by(Reason.EXCEPTION))
        else:
            self.computed.add(item)
            container.end_item(at, succeeded(item))

    def _end_own_image(self, task: str) -> None:
        """End a container that isn't our runner's: its exit status is all that it says."""
        job = self.record()
        assert job is not None
        items = self._items_of(task)
        bad = self.nature.poison | self.nature.wrong
        if any(self.nature.is_in(item, bad) for item in items):
            self._gone(task, 3)
        else:
            self.computed.update(items)
            self._gone(task, 0)

    def _items_of(self, task: str) -> list[str]:
        container = RunningContainer.start(
            MemoryDynamoDB(dict(self.dynamodb.items)), self.clock, self.batch.tasks[task], 1
        )
        return list(container.work.slice)

    def _gone(self, task: str, code: int | None, reason: str = "", **more: str) -> None:
        self.containers.pop(task, None)
        self.batch.end_attempt(task, code, reason, **more)

    def _deadline(self, hurried: bool) -> float:
        return self.clock() if hurried else math.inf

    def _store(self, plan: Plan, skew: float) -> JobStore:
        true = self.clock
        dynamodb: Any = Wire(self.dynamodb, plan, clock=true)
        clock = ServiceClock(dynamodb, TABLE, Skewed(true, skew))
        return JobStore(dynamodb, TABLE, clock, true.sleep, true)

    def _messages(self, plan: Plan) -> Messages:
        sqs: Any = Wire(self.queue, plan)
        return Messages(sqs, "queue")

    def _submission(self, plan: Plan) -> Submission:
        once: Any = Wire(self.batch, plan, once=True)
        batch: Any = Wire(self.batch, plan)
        tasks = TaskSettings(60, self.nature.processes, self.nature.has_runner)
        on_demand = f"{QUEUE_ARN}-od" if self.nature.has_on_demand else None
        return Submission(
            once, batch, QUEUE_ARN, "compute", self.clock.sleep, "batchapp", on_demand, tasks
        )

    def _trackers_terminator(self, plan: Plan, skew: float) -> Terminator:
        batch: Any = Wire(self.batch, plan)
        hand_over = HandOver(self._messages(plan))
        return Terminator(self._store(plan, skew), self._submission(plan), batch, hand_over)

    def _monitor(self, plan: Plan, skew: float) -> Monitor:
        store, batch = self._store(plan, skew), Wire(self.batch, plan)
        double: Any = batch
        follow_ups = FollowUps(
            store, self._messages(plan), self.nature.memory_sizes, self.nature.has_on_demand
        )
        return Monitor(store, double, FailureRecords(store, double), follow_ups)


def in_hand(life: Life) -> int:
    """How many items are in hand of containers that live."""
    return sum(cell == Cell.RUNNING for each in life.containers.values() for cell in each.cells)
