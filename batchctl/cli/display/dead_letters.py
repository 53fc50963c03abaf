"""Messages that failed for good, as a table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from batchctl.cli.output import add_row, data, table
from batchctl.jobs.timestamps import iso

if TYPE_CHECKING:
    from batchctl.jobs.dead_letters import DeadLetter

BODY_SHOWN = 60


def print_table(found: Iterable[DeadLetter]) -> None:
    """Print a line for each, its body cut where it is long."""
    listed = table("queue", "about", "sent", "error", "message")
    for each in found:
        body = each.body if len(each.body) <= BODY_SHOWN else f"{each.body[:BODY_SHOWN]}…"
        add_row(listed, each.queue, each.subject, iso(each.sent_at_ms), each.error, body)
    data().print(listed)
