"""The ids of recent jobs, for the completion of a command line: at once, or none."""

from __future__ import annotations

import queue
import threading
from contextlib import suppress

from batchctl.application.opening import open_application
from batchctl.application.target import Target

RECENT = 50
WAIT_S = 1.0
"""Whoever presses Tab waits no longer, whatever is slow: the API, a login, a name server."""


def recent_job_ids(target: Target) -> tuple[str, ...]:
    """Return the ids of the newest jobs; none when they aren't there within a second."""
    found: queue.SimpleQueue[tuple[str, ...]] = queue.SimpleQueue()

    def ask() -> None:
        with suppress(Exception):
            jobs = open_application(target).jobs().list(limit=RECENT).jobs
            found.put(tuple(each.job_id for each in jobs))

    threading.Thread(target=ask, daemon=True).start()
    with suppress(queue.Empty):
        return found.get(timeout=WAIT_S)
    return ()
