"""Messages that failed for good, as a table."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from batchctl.cli.display.tables import Importance, print_table
from batchctl.contract.timestamps import timestamp
from batchctl.jobs.tables import Table
from batchctl.jobs.timestamps import iso

if TYPE_CHECKING:
    from batchctl.jobs.dead_letters import DeadLetter

BODY_SHOWN = 60
COLUMNS = ("queue", "about", "sent", "error", "message")
IMPORTANCE = Importance(kept=("queue", "about"), first=("message", "sent"))


def show_dead_letters(found: Iterable[DeadLetter]) -> None:
    """Print a line for each, its body cut where it is long."""
    print_table(Table(COLUMNS, tuple(map(_row, found))), IMPORTANCE)


def as_json(each: DeadLetter) -> dict[str, Any]:
    """Return a message as data."""
    plain = dataclasses.asdict(each)
    return plain | {"sent_at": timestamp(plain.pop("sent_at_ms") / 1000)}


def _row(each: DeadLetter) -> tuple[str, ...]:
    body = each.body if len(each.body) <= BODY_SHOWN else f"{each.body[:BODY_SHOWN]}…"
    return (each.queue, each.subject, iso(each.sent_at_ms), each.error, body)
