"""What a run is doing: a live table on a terminal, plain lines with a heartbeat elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from batchctl.cli.failures import explained
from batchctl.cli.output import grid, live, people, text
from batchctl.engine import events
from batchctl.engine.action import Action

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from batchctl.engine.events import Event
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


@dataclass
class Counter:
    """What runs and how much is done, from the events alone."""

    total: int
    now: Callable[[], float] = time.monotonic
    done: int = 0
    running: dict[str, RunningStep] = field(default_factory=dict)

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
                said = step.kept_because or f"{seconds:.1f} s"
                return self._end(step, f"{_DONE[step.action]} {step.address} ({said})")
            case events.Failed(step, error):
                # The report at the end has the rest: hint, and what a builder wrote.
                why = explained(error)[0].partition("\n")[0]
                return self._end(step, f"failed {step.address}: {why}")
            case events.Kept(step, because):
                return self._end(step, f"kept {step.address} ({step.name}): {because}")
            case events.Skipped(address, because):
                return f"skipped {address}, because of {because}"

    def _wait(self, step: Step, what: str) -> None:
        running = self.running.get(step.address)
        if running is not None:
            self.running[step.address] = replace(running, waits_for=what)

    def _end(self, step: Step, line: str) -> str:
        self.running.pop(step.address, None)
        self.done += 1
        return f"[{self.done}/{self.total}] {line}"

    def table(self) -> Table:
        """Return what runs now as a table: resource, what it waits for, elapsed."""
        table = grid()
        for running in list(self.running.values()):
            verb = _DOING[running.step.action]
            table.add_row(
                text(f"{verb} {running.step.address}"),
                _one_line(running.waits_for and f"waiting for {running.waits_for}"),
                text(f"{self.now() - running.since:.0f} s"),
            )
        return table

    def still(self) -> Iterator[str]:
        """Give a line for each step that has been running for long."""
        for running in list(self.running.values()):
            elapsed = self.now() - running.since
            if elapsed >= HEARTBEAT_S:
                verb = _DOING[running.step.action]
                waits = running.waits_for and f", waiting for {running.waits_for}"
                yield f"still {verb} {running.step.address} ({elapsed:.0f} s{waits})"


def _one_line(line: str) -> Text:
    """Return the text as one line, cut where the terminal ends: a builder's lines are long."""
    drawn = text(line, style="dim")
    drawn.no_wrap, drawn.overflow = True, "ellipsis"
    return drawn


@contextmanager
def progress(total: int) -> Iterator[Callable[[Event], None]]:
    """Show a run of `total` steps; the block gets the function that takes the engine's events."""
    console = people()
    counter, lock = Counter(total), threading.Lock()
    with _shown(console, counter) as say:

        def take(event: Event) -> None:
            with lock:
                line = counter.take(event)
            if line:
                say(line)

        yield take


@contextmanager
def _shown(console: Console, counter: Counter) -> Iterator[Callable[[str], None]]:
    if console.is_terminal:
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
