"""Time that passes only when somebody waits, and work at the same time in a single thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from random import Random
from types import TracebackType
from typing import Self

from batchctl.aws.clock import Clock
from batchctl.errors import Interrupted

DEEPEST = 5


class Died(BaseException):
    """The process was killed: nothing of the run goes on, not even what it does at its end."""


@dataclass
class Turns:
    """Decides by the seed whose turn it is, whenever somebody calls AWS or waits.

    Who calls or waits stays where it is while another piece of work that is ready runs: that is
    how two are at work at the same time without a second thread.
    """

    random: Random
    now: float = 0.0
    _ready: list[tuple[Future[None], Callable[[], None]]] = field(default_factory=list)
    _depth: int = 0

    def clock(self) -> Clock:
        """Return the clock of a new run, which nobody has stopped yet."""
        return Clock(
            now=lambda: self.now, stop=threading.Event(), sleep=self._sleep, workers=self._workers
        )

    def give_way(self, probability: float = 0.4) -> None:
        """Let others who are ready go first."""
        while self._ready and self._depth < DEEPEST and self.random.random() < probability:
            self._take_turn()

    def forget(self) -> None:
        """Drop what was ready: its process is gone."""
        self._ready.clear()
        self._depth = 0

    def _sleep(self, stop: threading.Event, seconds: float) -> None:
        self.give_way()
        self.now += seconds
        if stop.is_set():
            raise Interrupted("stopped while waiting")

    def _workers(self) -> _OneThread:
        return _OneThread(self)

    def begin(self, work: Callable[[str], None], argument: str) -> Future[None]:
        """Have it done when its turn comes."""
        future: Future[None] = Future()
        self._ready.append((future, lambda: work(argument)))
        return future

    def until_one_is_done(self, begun: Iterable[Future[None]]) -> list[Future[None]]:
        """Give turns until one of `begun` is done."""
        begun = list(begun)
        while not (done := [each for each in begun if each.done()]):
            self._take_turn()
        return done

    def _take_turn(self) -> None:
        future, work = self._ready.pop(self.random.randrange(len(self._ready)))
        self._depth += 1
        try:
            work()
        except Died:
            raise
        except BaseException as error:  # noqa: BLE001 - as an executor does
            future.set_exception(error)
        else:
            future.set_result(None)
        finally:
            self._depth -= 1


@dataclass(frozen=True)
class _OneThread:
    """The workers of one walk."""

    turns: Turns

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None:
        """Nothing is left: a walk ends when all its work is done."""

    def begin(self, work: Callable[[str], None], argument: str) -> Future[None]:
        """Have it done when its turn comes."""
        return self.turns.begin(work, argument)

    def wait_for_one(self, begun: Iterable[Future[None]]) -> Iterable[Future[None]]:
        """Return those that are done; give turns while there is none."""
        return self.turns.until_one_is_done(begun)
