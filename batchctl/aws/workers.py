"""Who does work at the same time, passed in: threads, or what gives turns in a test."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Protocol, Self

MOST = 32


class Workers(Protocol):
    """Does pieces of work, each with its argument; at the end of the block all are done."""

    def __enter__(self) -> Self:
        """Return itself."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> bool | None:
        """Wait for what was begun."""
        ...

    def begin(self, work: Callable[[str], None], argument: str) -> Future[None]:
        """Have `work(argument)` done; the future has its error, if any."""
        ...

    def wait_for_one(self, begun: Iterable[Future[None]]) -> Iterable[Future[None]]:
        """Return those of `begun` that are done; wait for one when there is none."""
        ...


class Threads(ThreadPoolExecutor):
    """Each piece of work in a thread of its own."""

    def __init__(self) -> None:
        """Start no thread yet."""
        super().__init__(MOST, thread_name_prefix="batchctl")

    def begin(self, work: Callable[[str], None], argument: str) -> Future[None]:
        """Have it done in a thread."""
        return self.submit(work, argument)

    def wait_for_one(self, begun: Iterable[Future[None]]) -> Iterable[Future[None]]:
        """Return those that are done; wait for the first when there is none."""
        return wait(list(begun), return_when=FIRST_COMPLETED).done
