"""Waiting for AWS: poll with growing pauses until a deadline, and report what is waited for."""

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
UNSEEN = "AWS shows nothing of it"


@dataclass(frozen=True)
class Pending:
    """What a check sees instead of what is waited for: `CREATING`, `3 jobs`."""

    seen: str


@dataclass(frozen=True)
class Poller:
    """Polls with one clock; `on_wait` is called with what is waited for."""

    clock: Clock
    on_wait: Callable[[str], None]

    def until(
        self, what: str, check: Callable[[], Found | Pending | None], *, timeout_s: float
    ) -> Found:
        """Call `check` until it returns neither None nor Pending, and return that.

        None means that AWS doesn't show it at all. Raises NotReady after `timeout_s` seconds, with
        `what` and what was seen last.
        """
        deadline = self.clock.now() + timeout_s
        delay_s = FIRST_POLL_S
        while isinstance(found := check(), Pending) or found is None:
            if self.clock.now() >= deadline:
                raise _too_late(what, timeout_s, found)
            self.on_wait(f"{what}, now `{found.seen}`" if found else what)
            self.clock.pause(delay_s)
            delay_s = min(LONGEST_POLL_S, delay_s * GROWTH)
        return found


def _too_late(what: str, waited_s: float, found: Pending | None) -> NotReady:
    last = f"it is still `{found.seen}`" if found else UNSEEN
    return NotReady(
        f"waited {waited_s:.0f} s for {what}: {last}",
        hint="check it in the AWS console, then run the command again: it continues from here",
    )
