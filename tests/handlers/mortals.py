"""The tracker's actions by processes that go as fate has them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from fates import Fate, Mortal, World
from surroundings import QUEUE_ARN, TABLE, a_monitor

from handlers import clients
from handlers.batch.submission import Submission
from handlers.batch.termination import HandOver, Stopper
from handlers.commands import Command
from handlers.record import JobRecord
from handlers.store.jobs import JobTable
from handlers.tracking.cancel import Canceller
from handlers.tracking.events import Tracker
from handlers.tracking.retry import Call, Retrier
from handlers.tracking.retry_lease import ClaimTable

LATER = float("inf")


@dataclass
class Mortals:
    """Processes of the tracker in a world; each call is one."""

    world: World
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def cancel(self, fate: Fate) -> Any:
        return Canceller(self._jobs(fate), self._monitor(fate), self._stopper(fate)).cancel(
            "demo-1", LATER
        )

    def retry(self, fate: Fate) -> JobRecord:
        monitor = self._monitor(fate)
        sqs: Any = Mortal(clients.sqs(), fate)
        retrier = Retrier(
            jobs=monitor.jobs,
            claims=ClaimTable(monitor.jobs.client, TABLE, self.world.clock),
            monitor=monitor,
            results=monitor.results,
            universe=monitor.universe,
            stopper=self._stopper(fate),
            sqs=sqs,
            queue_url=self.world.queue_url,
            has_on_demand=True,
        )
        call = Call(f"call-{next(self.ids)}", 60_000)
        return retrier.retry(Command("retry", "demo-1"), call, LATER)

    def track(self, event: dict[str, Any], fate: Fate) -> None:
        monitor = self._monitor(fate)
        batch: Any = Mortal(self.world.batch, fate)
        Tracker(monitor.jobs, monitor, monitor.explainer, monitor.reclaims, batch).track(
            event, LATER
        )

    def _jobs(self, fate: Fate) -> JobTable:
        dynamodb: Any = Mortal(clients.dynamodb(), fate)
        return JobTable(dynamodb, TABLE)

    def _monitor(self, fate: Fate) -> Any:
        return a_monitor(
            Mortal(clients.dynamodb(), fate), Mortal(self.world.batch, fate), self.world.clock
        )

    def _stopper(self, fate: Fate) -> Stopper:
        batch: Any = Mortal(self.world.batch, fate)
        submission = Submission(
            batch, batch, QUEUE_ARN, "batchapp-compute", self.world.clock.sleep, "batchapp"
        )
        sqs: Any = Mortal(clients.sqs(), fate)
        hand_over = HandOver(sqs, self.world.queue_url)
        return Stopper(self._jobs(fate), submission, batch, hand_over)
