"""The way of an event: noted while Batch holds its lock, delivered by threads of its own."""

from __future__ import annotations

import logging
import queue
import threading

from batchctl.local.batch.model.job import Job, Status
from batchctl.local.batch.model.scope import Clock, Scope
from batchctl.local.events.delivery import Delivery
from batchctl.local.events.event import Change, event_of
from batchctl.local.events.rules import Rules

DELIVERERS = 2
"""Threads that deliver: so many functions run for events at once, and the jobs need room, too."""

logger = logging.getLogger(__name__)


class Bus:
    """The default event bus, as far as Batch uses it: EventBridge promises no order."""

    def __init__(self, scope: Scope, clock: Clock, rules: Rules, delivery: Delivery) -> None:
        """Begin with nothing under way."""
        self._scope, self._clock = scope, clock
        self._rules, self._delivery = rules, delivery
        self._changes: queue.SimpleQueue[Change | None] = queue.SimpleQueue()

    def observe(self, job: Job) -> None:
        """Note a job whose status has changed, and return at once."""
        if job.status is not Status.SUBMITTED:
            self._changes.put(Change(job, job.status, job.status_reason, self._clock()))

    def start(self) -> None:
        """Begin to deliver, in threads that end with `close` or with the process."""
        for number in range(DELIVERERS):
            threading.Thread(target=self.run, name=f"events-{number}", daemon=True).start()

    def close(self) -> None:
        """End the threads once they have delivered what is noted by now; later changes are lost."""
        for _ in range(DELIVERERS):
            self._changes.put(None)

    def run(self) -> None:
        """Deliver what was noted, one after the other, until `close`."""
        while (change := self._changes.get()) is not None:
            try:
                event = event_of(change, self._scope)
                for target in self._rules.targets(event):
                    self._delivery.deliver(event, target)
            except Exception:  # one event's trouble must not stop all others for good
                logger.exception("the event of job %s was not delivered", change.job.id)
