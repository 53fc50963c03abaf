"""Waiting for AWS: poll, first soon, then less often, with a deadline, and say for what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from batchctl.aws.clock import Clock
from batchctl.aws.errors import NotReady

Found = TypeVar("Found")

FIRST_POLL_S = 0.2
LONGEST_POLL_S = 5.0
GROWTH = 1.5


@dataclass(frozen=True)
class Poller:
    """Polls with one clock; `on_wait` is told what is waited for."""

    clock: Clock
    on_wait: Callable[[str], None]

    def until(self, what: str, check: Callable[[], Found | None], *, timeout_s: float) -> Found:
        """Call `check` until it returns something but None, and return that.

        Raises NotReady after `timeout_s` seconds, naming `what`.
        """
        deadline = self.clock.now() + timeout_s
        delay_s = FIRST_POLL_S
        while (found := check()) is None:
            if self.clock.now() >= deadline:
                raise NotReady(
                    f"waited {timeout_s:.0f} s for {what}",
                    hint="run the command again: it continues from here",
                )
            self.on_wait(what)
            self.clock.pause(delay_s)
            delay_s = min(LONGEST_POLL_S, delay_s * GROWTH)
        return found
