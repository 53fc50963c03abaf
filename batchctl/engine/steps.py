"""One step of a plan: what is to be done with one resource, and why, as data."""

from __future__ import annotations

from dataclasses import dataclass

from batchctl.engine.action import Action
from batchctl.engine.difference import Change


@dataclass(frozen=True)
class Step:
    """What is to be done with one resource, and why."""

    action: Action
    address: str
    name: str
    changes: tuple[Change, ...] = ()
    forced_by: tuple[str, ...] = ()
    adopted: bool = False
    loses_data: str | None = None
    ends: str | None = None
    kept_because: str | None = None
    # It is no longer wanted, and is kept for the data that it holds.
    keeps_data: bool = False
    # It isn't ours, whatever the state says: it stays as it is, and the state forgets it.
    forgets: bool = False
    notes: tuple[str, ...] = ()
    remark: str = ""
    # What it lets in, or no longer logs, a sentence each: the user has to agree to it.
    loosens: tuple[str, ...] = ()

    @property
    def mutates(self) -> bool:
        """Whether carrying it out changes anything in AWS."""
        return self.action not in {Action.NO_OP, Action.KEEP}
