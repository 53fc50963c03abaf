"""The supervisor: it has the items of a task computed, and their outcomes recorded.

It runs no code of the user's. A loop over the channels and pipes of the processes below it, in one
thread: it gives items to free slots, in the order of the slice, hands what comes of them to the
recorder, and ends what takes too long. Writers' threads report over a pipe that wakes the loop.
"""

from __future__ import annotations

import os
import queue
import selectors
import signal
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from batchctl.contract.progress import Cell, failed
from batchctl.contract.reasons import Reason
from batchctl.contract.slices import START_S
from batchctl.contract.statuses import ItemStatus
from batchctl.runner import kernel
from batchctl.runner.job_table import Outcome, Work
from batchctl.runner.loading import Loaded, Loading
from batchctl.runner.log import Log
from batchctl.runner.memory_events import MemoryKills
from batchctl.runner.options import Task
from batchctl.runner.progress import Progress
from batchctl.runner.recording import Recorder, Written
from batchctl.runner.signals import StopSignal
from batchctl.runner.slot import READ_BYTES, End, Hand, Slot, outcome_of
from batchctl.runner.template import Template, pause_s

FLUSH_S = 25.0
"""What recording may take after SIGTERM: ECS kills after 30 s (ECS_CONTAINER_STOP_TIMEOUT)."""

LAST_CALL_S = 3.0
MOST_WAIT_S = 1.0
MOST_WRITERS = 16


@dataclass(frozen=True)
class Surroundings:
    """What the supervisor works with; `output` is what the template prints to, its read end.

    `code` is the folder of the compute.py that the job brings along; None: the image's is used.
    """

    log: Log
    stop: StopSignal
    kills: MemoryKills
    template: Template
    output: int
    code: str | None = None
    clock: Callable[[], float] = time.monotonic


class Supervisor:
    """Does the work of one task."""

    def __init__(
        self,
        task: Task,
        work: Work,
        surroundings: Surroundings,
        progress: Progress,
        recorder: Callable[[Callable[[Written], None]], Recorder],
    ) -> None:
        """Have everything ready; `run` does it."""
        self._task, self._work, self._around = task, work, surroundings
        self._log, self._clock = surroundings.log, surroundings.clock
        self._progress = progress
        self._selector = selectors.DefaultSelector()
        self._loading = Loading(
            surroundings.template, surroundings.output, self._selector, surroundings.log
        )
        self._slots: list[Slot] = []
        self._pending = deque(
            (at, item) for at, item in enumerate(work.slice) if item not in work.succeeded
        )
        self._ready_by = self._clock() + START_S
        self._is_stopping = self._gave_up = False
        self._written: queue.SimpleQueue[Written] = queue.SimpleQueue()
        self._wakeup = self._make_wakeup()
        self._recorder = recorder(self._on_written)

    def run(self) -> bool:
        """Compute and record what is left; return whether all items of the slice have succeeded."""
        self._start()
        while not self._is_done():
            self._give_work()
            for key, _ in self._selector.select(self._wait_s()):
                key.data()
            self._after_events()
        self._end()
        return self._progress.count_succeeded() == self._progress.size

    @property
    def gave_up(self) -> bool:
        """Whether results could not be recorded."""
        return self._gave_up

    def _start(self) -> None:
        self._loading.watch(self._around.kills, Loaded(self._on_ready, self._fail_all))
        if self._pending:  # else it has nothing to set up for
            self._loading.set_up(self._work.parameters, self._task.tries, self._around.code)
        cells = [
            Cell.SUCCEEDED if item in self._work.succeeded else Cell.PENDING
            for item in self._work.slice
        ]
        self._progress.start(cells, self._clock())
        self._recorder.start(min(MOST_WRITERS, 2 + 2 * self._at_once))

    @property
    def _at_once(self) -> int:
        return max(1, min(self._task.processes, len(self._work.items)))

    def _is_done(self) -> bool:
        busy = any(slot.hand is not None for slot in self._slots)
        if self._is_stopping:
            return not any(slot.is_trying for slot in self._slots)
        if self._pending and not self._loading.is_lost:
            return False
        # A lost template makes no more keepers; those that there are go on.
        return not busy and (not self._pending or all(slot.is_lost for slot in self._slots))

    def _give_work(self) -> None:
        if self._is_stopping or not self._loading.is_ready:
            return
        now = self._clock()
        for slot in [slot for slot in self._slots if slot.is_lost]:
            self._slots.remove(slot)
            self._add_slot(slot.hand)
        for slot in self._slots:
            if slot.hand is not None:
                if slot.hand.resume_at is not None and slot.hand.resume_at <= now:
                    self._begin(slot, slot.hand)
            elif self._pending and self._recorder.has_room:
                at, item = self._pending.popleft()
                limit = self._task.item_timeout_s
                self._progress.set(at, Cell.RUNNING)
                deadline = None if limit is None else now + limit
                self._begin(slot, Hand(at, item, deadline, own=self._work.own.get(item, {})))

    def _begin(self, slot: Slot, hand: Hand) -> None:
        slot.begin(hand, self._around.kills, self._print)

    def _add_slot(self, hand: Hand | None = None) -> None:
        """Have the template fork a keeper; `hand` is an item that waits for its next try."""
        channel = None if self._loading.is_lost else self._loading.new_keeper()
        if channel is not None:
            slot = Slot(channel, self._selector, self._on_end)
            slot.hand = hand
            self._slots.append(slot)
        elif hand is not None:
            self._pending.appendleft((hand.at, hand.item))

    def _wait_s(self) -> float:
        now = self._clock()
        times = [now + MOST_WAIT_S]
        for slot in self._slots:
            if (hand := slot.hand) is not None:
                times += [at for at in (hand.deadline, hand.resume_at) if at is not None]
        due = self._progress.due_in(now)
        if due is not None:
            times.append(now + due)
        return max(0.0, min(times) - now)

    def _after_events(self) -> None:
        now = self._clock()
        for slot in self._slots:
            slot.end_deaf_keeper(now)
            hand = slot.hand
            if hand is None or hand.deadline is None or now < hand.deadline or hand.is_timed_out:
                continue
            hand.is_timed_out = True
            if slot.is_trying:
                slot.stop(now)
            else:  # between two tries
                self._conclude(slot, Outcome(None, "it ran out of time", hand.tries, 0.0))
        if self._loading.is_under_way and now > self._ready_by:
            text = f"the import of compute.py and setup took longer than {START_S} s"
            self._fail_all(Outcome(None, text, 0, 0.0, Reason.TIMEOUT))
        self._progress.write_if_due(now)
        if self._around.stop.received is not None or self._gave_up:
            self._stop()

    def _stop(self) -> None:
        if self._is_stopping:
            return
        self._is_stopping = True
        self._recorder.hasten(self._clock() + FLUSH_S)
        for slot in self._slots:
            if slot.is_trying:
                slot.stop(self._clock())

    def _on_end(self, slot: Slot, end: End) -> None:
        """Take what became of a try: it is recorded, or the item is tried again."""
        received, hand = slot.take(), slot.hand
        if hand is None:
            return
        kills = self._around.kills
        if end.status is None:
            # The keeper is gone, and what it kept are our children now: ours, but for those that
            # the runner itself has started.
            own = {self._loading.pid} | {slot.pid for slot in self._slots if slot.pid}
            kernel.kill_descendants(own)
        outcome, is_final = outcome_of(hand, end, received, kills)
        if outcome.reason == Reason.TIMEOUT:
            outcome = self._timed_out(outcome)
        if outcome.result is not None:
            self._conclude(slot, outcome)
        elif self._is_stopping:
            slot.hand = None  # given up: the next attempt begins it anew
        elif is_final or hand.tries >= self._task.tries or self._is_hopeless(outcome):
            self._conclude(slot, outcome)
        else:
            hand.resume_at = self._clock() + pause_s(hand.tries)

    def _is_hopeless(self, outcome: Outcome) -> bool:
        """Whether an item had all the memory for itself, and it was too little."""
        return outcome.reason == Reason.OUT_OF_MEMORY and self._task.processes == 1

    def _timed_out(self, outcome: Outcome) -> Outcome:
        tries = f", {outcome.tries} tries" if outcome.tries > 1 else ""
        text = f"it took longer than {self._task.item_timeout_s} s{tries}"
        return replace(outcome, error=text, reason=Reason.TIMEOUT)

    def _conclude(self, slot: Slot, outcome: Outcome) -> None:
        hand, slot.hand = slot.hand, None
        if hand is None:
            return
        if hand.is_timed_out and outcome.result is None:
            outcome = self._timed_out(outcome)
        self._recorder.put(hand.at, hand.item, outcome)

    def _on_ready(self) -> None:
        for _ in range(self._at_once if self._pending else 0):
            self._add_slot()

    def _fail_all(self, outcome: Outcome) -> None:
        """Fail every item that is left: not one of them can be computed."""
        while self._pending:
            at, item = self._pending.popleft()
            self._recorder.put(at, item, outcome)

    def _print(self, item: str, line: str) -> None:
        self._log.line(item=item, message=line)

    def _make_wakeup(self) -> int:
        """Have signals and writers' threads wake the loop; return what they write to."""
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)
        self._selector.register(reader, selectors.EVENT_READ, lambda: self._on_wakeup(reader))
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        return writer

    def _wake(self) -> None:
        try:
            os.write(self._wakeup, b"\0")
        except BlockingIOError:
            return  # it is awake

    def _on_wakeup(self, reader: int) -> None:
        try:
            os.read(reader, READ_BYTES)
        except BlockingIOError:
            return
        self._take_written()

    def _on_written(self, written: Written) -> None:
        """Take over from a writer's thread."""
        self._written.put(written)
        self._wake()

    def _take_written(self) -> None:
        while not self._written.empty():
            written = self._written.get()
            outcome = written.outcome
            status = outcome.status
            if written.error is not None:
                self._gave_up = True
                self._log.line(item=written.item, not_recorded=written.error)
                continue
            if not written.recorded:
                status = ItemStatus.SUCCEEDED  # it had succeeded elsewhere meanwhile
            is_success = status == ItemStatus.SUCCEEDED
            self._progress.set(written.at, Cell.SUCCEEDED if is_success else failed(outcome.reason))
            self._log.line(**line_of(written, status))

    def _end(self) -> None:
        """Wait until what was computed is recorded, and end every process below this one."""
        self._dismiss()
        # A call that is under way may last: what isn't through then is lost to SIGKILL anyway.
        while self._recorder.waiting and self._clock() < self._recorder.deadline + LAST_CALL_S:
            for key, _ in self._selector.select(self._wait_s()):
                key.data()
            self._after_events()
        self._take_written()
        self._loading.drain()
        self._progress.end(self._clock())
        signal.set_wakeup_fd(-1)
        self._selector.close()

    def _dismiss(self) -> None:
        """End every process below this one; nobody is listened to any more."""
        for slot in self._slots:
            slot.dismiss()
        self._loading.dismiss()
        kernel.kill_descendants()


def line_of(written: Written, status: ItemStatus) -> dict[str, object]:
    """Return what the log says of an item's end."""
    outcome = written.outcome
    line: dict[str, object] = {
        "item": written.item,
        "status": status,
        "attempts": outcome.tries,
        "seconds": round(outcome.seconds, 3),
        "recorded": written.recorded,
    }
    if outcome.peak_memory_mib is not None:
        line["peak_memory_mib"] = outcome.peak_memory_mib
    if outcome.result is None:
        line |= {"reason": outcome.reason, "error": outcome.error}
        line |= {"exit_code": outcome.exit_code} if outcome.exit_code is not None else {}
        line |= {"signal": outcome.signal} if outcome.signal is not None else {}
    return line
