"""An application as it stands: its resources, where it is called, what waits in its queues."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchctl.cli.output import add_row, data, show, table

if TYPE_CHECKING:
    from batchctl.application.status import Status


def show_status(found: Status) -> None:
    """Print the status for people."""
    listed = table("resource", "name", "state")
    for each in found.resources:
        add_row(listed, each.address, each.name, each.state)
    data().print(listed)
    show()
    show(f"stack:    {found.stack} in {found.account}, {found.region}")
    show(f"endpoint: {found.endpoint or 'none yet'}")
    if found.execute_role:
        show(f"role:     {found.execute_role} (may be assumed to call the endpoint)")
    if found.newer_base:
        show(f"image:    `{found.newer_base}` has changed since: `batchctl up --rebuild` takes it")
    for what in found.unhealthy:
        show(f"UNHEALTHY: {what}")
    for address, depth in found.queues.items():
        show(f"{address}: {depth} messages{_what_to_do(address, depth)}")


def _what_to_do(address: str, depth: int) -> str:
    """Name the command for messages that failed."""
    failed = depth and address.endswith("dead_letters")
    return ", which failed: see `batchctl dead-letters`" if failed else ""
