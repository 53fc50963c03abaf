"""What a plan waits for while it reads what AWS has: shown when it takes long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from batchctl.cli.output import say

# Shorter waits (AWS asks for a moment) are not worth a line.
LONG_S = 2.0
AGAIN_S = 10.0


@dataclass
class ReadProgress:
    """Hears of each wait, by the resource's address; prints the long ones, now and then.

    A wait is polled every few seconds, and so needs no clock that ticks by itself.
    """

    now: Callable[[], float] = time.monotonic
    report: Callable[[str], None] = say
    _since: dict[str, float] = field(default_factory=dict)
    _reported: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self, address: str, what: str) -> None:
        """Say what is waited for and for how long: after a while, then every ten seconds."""
        with self._lock:
            now = self.now()
            waited_s = now - self._since.setdefault(address, now)
            if waited_s < LONG_S or now - self._reported.get(address, now - AGAIN_S) < AGAIN_S:
                return
            self._reported[address] = now
        self.report(f"reading {address} ({waited_s:.0f} s, waiting for {what})")
