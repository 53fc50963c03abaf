"""What config.yaml leaves to others: its addresses are of kinds that there are."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from batchctl.errors import UsageError
from batchctl.resource import Resource


def require_known(addresses: Collection[str]) -> None:
    """Raise UsageError for an address of a kind that no resource has: nothing would be left.

    The other front door's addresses are good: it may be the next.
    """
    kinds = {kind: kind for kind, each in Resource.kinds.items() if not each.lookup}
    for address in addresses:
        kind, _, label = address.partition(".")
        if kind not in kinds:
            near = get_close_matches(kind, kinds, n=1)
            meant = f", did you mean `{near[0]}.{label}`?" if near else ""
            raise UsageError(
                f"could not use `leave`: there is no resource `{address}`{meant}",
                hint="`batchctl plan -v` prints the addresses and paths that there are",
            )
