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
from batchctl.contract.statuses import ItemStatus
from batchctl.runner import kernel
from batchctl.runner.channel import Message, pair
from batchctl.runner.job_table import Outcome, Work
from batchctl.runner.log import Lines, Log
from batchctl.runner.memory_events import MemoryKills
from batchctl.runner.options import Task
from batchctl.runner.progress import Progress
from batchctl.runner.recording import Recorder, Written
from batchctl.runner.signals import StopSignal
from batchctl.runner.slot import READ_BYTES, End, Hand, Slot, outcome_of
from batchctl.runner.template import Template, pause_s

START_S = 600.0
"""What the import of compute.py and `setup` may take."""

FLUSH_S = 25.0
"""What recording may take after SIGTERM: ECS kills after 30 s (ECS_CONTAINER_STOP_TIMEOUT)."""

LAST_CALL_S = 3.0
MOST_WAIT_S = 1.0
MOST_WRITERS = 16


@dataclass(frozen=True)
class Surroundings:
    """What the supervisor works with; `output` is what the template prints to, its read end."""

    log: Log
    stop: StopSignal
    kills: MemoryKills
    template: Template
    output: int
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
        self._slots: list[Slot] = []
        self._pending = deque(
            (at, item) for at, item in enumerate(work.slice) if item not in work.succeeded
        )
        self._template_lines = Lines()
        self._ready_by = self._clock() + START_S
        self._kills_at_start = surroundings.kills.count()
        self._is_ready = self._is_template_lost = False
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
        template = self._around.template
        self._selector.register(template.channel, selectors.EVENT_READ, self._on_template)
        os.set_blocking(self._around.output, False)
        self._selector.register(self._around.output, selectors.EVENT_READ, self._on_template_output)
        if self._pending:  # else it has nothing to set up for
            template.channel.send({"parameters": self._work.parameters, "tries": self._task.tries})
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
        if self._pending and not self._is_template_lost:
            return False
        # A lost template makes no more keepers; those that there are go on.
        return not busy and (not self._pending or all(slot.is_lost for slot in self._slots))

    def _give_work(self) -> None:
        if self._is_stopping or not self._is_ready:
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
                self._begin(slot, Hand(at, item, None if limit is None else now + limit))

    def _begin(self, slot: Slot, hand: Hand) -> None:
        slot.begin(hand, self._around.kills, self._print)

    def _add_slot(self, hand: Hand | None = None) -> None:
        """Have the template fork a keeper; `hand` is an item that waits for its next try."""
        ours, others = pair()
        if self._is_template_lost or not self._around.template.channel.send(
            {"new": "keeper"}, (others.fileno(),)
        ):
            ours.close()
            if hand is not None:
                self._pending.appendleft((hand.at, hand.item))
        else:
            slot = Slot(ours, self._selector, self._on_end)
            slot.hand = hand
            self._slots.append(slot)
        others.close()

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
            hand = slot.hand
            if hand is None or hand.deadline is None or now < hand.deadline or hand.is_timed_out:
                continue
            hand.is_timed_out = True
            if slot.is_trying:
                slot.stop()
            else:  # between two tries
                self._conclude(slot, Outcome(None, "it ran out of time", hand.tries, 0.0))
        if not self._is_ready and not self._is_template_lost and now > self._ready_by:
            self._fail_all(
                f"the import of compute.py and setup took longer than {START_S:.0f} s",
                Reason.TIMEOUT,
            )
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
                slot.stop()

    def _on_end(self, slot: Slot, end: End) -> None:
        """Take what became of a try: it is recorded, or the item is tried again."""
        received, hand = slot.take(), slot.hand
        if hand is None:
            return
        kills = self._around.kills
        if end.status is None:
            # The keeper is gone, and what it kept are our children now: ours, but for those that
            # the runner itself has started.
            own = {self._around.template.pid} | {slot.pid for slot in self._slots if slot.pid}
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

    def _on_template(self) -> None:
        channel = self._around.template.channel
        for message in channel.available():
            self._on_message(message)
        if channel.is_closed and not self._is_template_lost:
            self._is_template_lost = True
            self._selector.unregister(channel)
            if not self._is_ready:
                self._fail_for_lost_template()

    def _on_message(self, message: Message) -> None:
        content = message.content
        if "warning" in content:
            self._log.line(warning=content["warning"])
        elif "failed" in content:
            self._fail_all(content["failed"], Reason(content["reason"]))
        elif "ready" in content:
            self._is_ready = True
            for _ in range(self._at_once if self._pending else 0):
                self._add_slot()

    def _fail_for_lost_template(self) -> None:
        _, status = os.waitpid(self._around.template.pid, 0)
        end = End(status)
        ran_out = end.signal == "SIGKILL" and self._around.kills.attribute(self._kills_at_start)
        how = f"with exit status {end.exit_code}"
        if end.signal is not None:
            how = "by the kernel: out of memory" if ran_out else f"by {end.signal}"
        ended = "was killed" if end.signal is not None else "ended"
        self._fail_all(
            f"the process {ended} {how} while it imported compute.py or ran setup",
            Reason.OUT_OF_MEMORY if ran_out else Reason.EXIT_CODE,
            end,
        )

    def _fail_all(self, text: str, reason: Reason, end: End | None = None) -> None:
        """Fail every item that is left: not one of them can be computed."""
        end = end or End()
        outcome = Outcome(None, text, 0, 0.0, reason, exit_code=end.exit_code, signal=end.signal)
        while self._pending:
            at, item = self._pending.popleft()
            self._recorder.put(at, item, outcome)

    def _on_template_output(self) -> None:
        try:
            data = os.read(self._around.output, READ_BYTES)
        except BlockingIOError:
            return
        if not data:
            self._selector.unregister(self._around.output)
        for line in self._template_lines.add(data):
            self._log.line(message=line)

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
        while self._around.output in self._selector.get_map() and self._drain():
            pass
        for line in self._template_lines.end():
            self._log.line(message=line)
        self._progress.end(self._clock())
        signal.set_wakeup_fd(-1)
        self._selector.close()

    def _dismiss(self) -> None:
        """End every process below this one; nobody is listened to any more."""
        channels = [slot.channel for slot in self._slots if not slot.is_lost]
        if not self._is_template_lost:
            channels.append(self._around.template.channel)
        for channel in channels:
            self._selector.unregister(channel)
            channel.close()
        self._is_template_lost = True
        kernel.kill_descendants()

    def _drain(self) -> bool:
        """Read once more of what the template has printed; False where there is no more."""
        before = selectors.DefaultSelector()
        before.register(self._around.output, selectors.EVENT_READ)
        is_readable = bool(before.select(0))
        before.close()
        if is_readable:
            self._on_template_output()
        return is_readable


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
