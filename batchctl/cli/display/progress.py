"""What a run is doing: a live table of groups on a terminal, lines with a heartbeat elsewhere."""

from __future__ import annotations

import threading
import time
from collections import Counter as Counts
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from batchctl.cli.display.groups import grouped
from batchctl.cli.errors import explained
from batchctl.cli.output import can_redraw, grid, live, people, text
from batchctl.engine import events
from batchctl.engine.action import Action

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from batchctl.engine.events import Event
    from batchctl.engine.plan import Plan
    from batchctl.engine.steps import Step

HEARTBEAT_S = 10.0
_DOING = {
    Action.CREATE: "creating",
    Action.UPDATE: "updating",
    Action.REPLACE: "replacing",
    Action.DELETE: "deleting",
}
_DONE = {
    Action.CREATE: "created",
    Action.UPDATE: "updated",
    Action.REPLACE: "replaced",
    Action.DELETE: "deleted",
    Action.KEEP: "kept",
}


@dataclass(frozen=True)
class RunningStep:
    """A step under way: since when, and what it waits for."""

    step: Step
    since: float
    waits_for: str = ""

    @property
    def doing(self) -> str:
        """What is done with what: `creating queue.jobs`."""
        return f"{_DOING[self.step.action]} {self.step.address}"


@dataclass
class Counter:
    """What runs and how much of each group of a plan is done, from the events alone.

    `verbose`: each step has a line of its own, not only each group.
    """

    plan: Plan
    verbose: bool = False
    now: Callable[[], float] = time.monotonic
    done: int = 0
    running: dict[str, RunningStep] = field(default_factory=dict)
    ended: dict[str, Counts[str]] = field(default_factory=dict)

    def take(self, event: Event) -> str | None:
        """Count an event; return the line that reports it, None for none."""
        match event:
            case events.Started(step):
                self.running[step.address] = RunningStep(step, self.now())
                return None
            case events.Waiting(step, what):
                self._wait(step, what)
                return None
            case events.Finished(step, seconds):
                said, done = step.kept_because or f"{seconds:.1f} s", _DONE[step.action]
                own = self.verbose or step.kept_because
                line = f"{done} {step.address} ({said})" if own else ""
                return self._end(step.address, done, line)
            case events.Failed(step, error):
                # The report at the end has the rest: hint, and what a builder wrote.
                why = explained(error)[0].partition("\n")[0]
                return self._end(step.address, "failed", f"failed {step.address}: {why}")
            case events.Kept(step, because):
                line = f"kept {step.address} ({step.name}): {because}"
                return self._end(step.address, "kept", line)
            case events.Skipped(address, because):
                self._count(address, "skipped")
                return f"skipped {address}, because of {because}"

    def _wait(self, step: Step, what: str) -> None:
        running = self.running.get(step.address)
        if running is not None:
            self.running[step.address] = replace(running, waits_for=what)

    def _end(self, address: str, how: str, line: str) -> str | None:
        """Count the end of a step; return its line, else that of its group when all has ended."""
        self.running.pop(address, None)
        self.done += 1
        complete = self._count(address, how)
        shown = line or (complete and not self.verbose and complete)
        return f"[{self.done}/{len(self.plan.changes)}] {shown}" if shown else None

    def _count(self, address: str, how: str) -> str | None:
        """Count the end of a step; return what became of its group when that was the last."""
        group = self.plan.group_of(address).value
        counts = self.ended.setdefault(group, Counts())
        counts[how] += 1
        if counts.total() != self._total(group):
            return None
        return f"{group}: {', '.join(f'{n} {how}' for how, n in counts.items())}"

    def _total(self, group: str) -> int:
        return sum(self.plan.group_of(step.address) == group for step in self.plan.changes)

    def table(self) -> Table:
        """Return what runs now as a table, a line a group: how much is done, what takes longest."""
        table = grid()
        running = list(self.running.values())
        by_group = grouped(running, lambda each: self.plan.group_of(each.step.address).value)
        for group, steps in by_group.items():
            ended = self.ended.get(group, Counts()).total()
            for each in steps if self.verbose else steps[:1]:
                table.add_row(
                    _one_line(f"{group} {ended}/{self._total(group)}"),
                    _one_line(each.doing),
                    _one_line(f"{self.now() - each.since:.0f} s"),
                    _one_line(each.waits_for and f"waiting for {each.waits_for}"),
                )
        return table

    def still(self) -> Iterator[str]:
        """Give a line for each step that has been running for long."""
        for running in list(self.running.values()):
            elapsed = self.now() - running.since
            if elapsed >= HEARTBEAT_S:
                waits = running.waits_for and f", waiting for {running.waits_for}"
                yield f"still {running.doing} ({elapsed:.0f} s{waits})"


def _one_line(line: str) -> Text:
    """Return the text as one line, cut where the terminal ends: a builder's lines are long."""
    drawn = text(line)
    drawn.no_wrap, drawn.overflow = True, "ellipsis"
    return drawn


@contextmanager
def progress(plan: Plan, *, verbose: bool = False) -> Iterator[Callable[[Event], None]]:
    """Show how a plan is carried out; the block gets the function that takes the engine's events.

    A line for each group that is done, and for what failed or is kept; with `verbose` for each
    step.
    """
    console = people()
    counter, lock = Counter(plan, verbose), threading.Lock()
    with _shown(console, counter) as say:

        def take(event: Event) -> None:
            with lock:
                line = counter.take(event)
                if line:  # under the lock: lines come in the order in which they are counted
                    say(line)

        yield take


@contextmanager
def _shown(console: Console, counter: Counter) -> Iterator[Callable[[str], None]]:
    if can_redraw():
        with live(counter.table, console):
            yield lambda line: console.print(text(line))
        return
    ended = threading.Event()
    heart = threading.Thread(target=_beat, args=(console, counter, ended), daemon=True)
    heart.start()
    try:
        yield lambda line: console.print(text(line))
    finally:
        ended.set()
        heart.join()


def _beat(console: Console, counter: Counter, ended: threading.Event) -> None:
    while not ended.wait(HEARTBEAT_S):
        for line in counter.still():
            console.print(text(line))
