"""The tracker's actions by processes that go as fate has them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from fates import Fate, Mortal, World
from surroundings import QUEUE_ARN, a_monitor, a_store

from batchctl.contract.control import Action, Request
from batchctl.contract.job_record import JobRecord
from handlers import clients
from handlers.batch.messages import Messages
from handlers.batch.submission import Submission
from handlers.batch.termination import HandOver, Terminator
from handlers.store.jobs import JobStore
from handlers.tracking.cancel import Canceller
from handlers.tracking.events import Tracker
from handlers.tracking.retry import Invocation, Retrier

LATER = float("inf")


@dataclass
class Mortals:
    """Processes of the tracker in a world; each call is one."""

    world: World
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def cancel(self, fate: Fate) -> Any:
        return Canceller(self._jobs(fate), self._monitor(fate), self._terminator(fate)).cancel(
            "demo-1", LATER
        )

    def retry(self, fate: Fate) -> JobRecord:
        monitor = self._monitor(fate)
        retrier = Retrier(
            store=monitor.store,
            monitor=monitor,
            terminator=self._terminator(fate),
            messages=self._messages(fate),
            has_on_demand=True,
        )
        call = Invocation(f"call-{next(self.ids)}", 60_000)
        return retrier.retry(Request(Action.RETRY, "demo-1"), call, LATER)

    def track(self, event: dict[str, Any], fate: Fate) -> None:
        monitor = self._monitor(fate)
        batch: Any = Mortal(self.world.batch, fate)
        Tracker(monitor.store, monitor, batch).track(event, LATER)

    def _jobs(self, fate: Fate) -> JobStore:
        dynamodb: Any = Mortal(clients.dynamodb(), fate)
        return a_store(dynamodb, self.world.clock)

    def _monitor(self, fate: Fate) -> Any:
        return a_monitor(
            Mortal(clients.dynamodb(), fate),
            Mortal(self.world.batch, fate),
            self.world.clock,
            self._messages(fate),
        )

    def _terminator(self, fate: Fate) -> Terminator:
        batch: Any = Mortal(self.world.batch, fate)
        submission = Submission(
            batch, batch, QUEUE_ARN, "batchapp-compute", self.world.clock.sleep, "batchapp"
        )
        hand_over = HandOver(self._messages(fate))
        return Terminator(self._jobs(fate), submission, batch, hand_over)

    def _messages(self, fate: Fate) -> Messages:
        sqs: Any = Mortal(clients.sqs(), fate)
        return Messages(sqs, self.world.queue_url)
