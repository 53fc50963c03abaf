"""An application as it stands: what needs attention, then its groups, its endpoint and queues."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from batchctl.cli.display.groups import grouped, heading
from batchctl.cli.output import counted, show

if TYPE_CHECKING:
    from batchctl.application.status import ResourceStatus, Status


def show_status(found: Status, *, verbose: bool = False) -> None:
    """Print the status for people: a line a group, with `verbose` one for each resource, too."""
    show(f"{found.stack} in {found.account}, {found.region}: {_in_short(found)}")
    for line in _attention(found):
        show(f"  {line}")
    show()
    for group, members in grouped(found.resources, lambda each: each.group).items():
        show(f"  {heading(group, found.groups, _states(members))}")
        for each in members if verbose else ():
            show(f"      {each.address}  {each.name}  {each.state}")
    show()
    show(f"endpoint: {found.endpoint or 'none yet'}")
    if found.execute_role:
        show(f"role:     {found.execute_role} (can be assumed to call the endpoint)")
    if found.queues:
        depths = (f"{depth} in {address}" for address, depth in found.queues.items())
        show(f"messages: {', '.join(depths)}")


def _in_short(found: Status) -> str:
    """Say in a word or two how it stands."""
    states = Counter(each.state.partition(":")[0] for each in found.resources)
    if states["missing"] and not found.unhealthy:
        return "not deployed yet, `batchctl up` builds it"
    if found.unhealthy:
        return "UNHEALTHY"
    return f"healthy, {states['drifted']} drifted" if states["drifted"] else "healthy"


def _attention(found: Status) -> Iterator[str]:
    """Yield what needs somebody to do something."""
    for what in found.unhealthy:
        yield f"UNHEALTHY: {what}"
    for each in found.resources:
        if not each.is_ok and each.state != "missing":  # of what is deployed, that is unhealthy
            yield f"{each.address} ({each.name}) is {each.state}"
    for address, depth in found.queues.items():
        if depth and address.endswith("dead_letters"):
            failed = counted(depth, "failed message")
            yield f"{address}: {failed}, see `batchctl dead-letters`"
    if found.newer_base:
        yield f"image: `{found.newer_base}` is newer now: `batchctl up --rebuild` builds on it"


def _states(members: Sequence[ResourceStatus]) -> str:
    """Count the resources of a group by how they stand: `11 ok`, `10 ok, 1 drifted`."""
    counts = Counter(each.state.partition(":")[0] for each in members)
    return ", ".join(f"{count} {state}" for state, count in counts.items())
