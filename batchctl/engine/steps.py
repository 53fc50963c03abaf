"""One step of a plan: what is to be done with one resource, and why, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from batchctl.engine.difference import Change


class Action(Enum):
    """What is done with a resource; the value is its name in JSON."""

    NO_OP = "no-op"
    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    KEEP = "keep"

    @property
    def sign(self) -> str:
        """The sign of the action in a printed plan."""
        return _SIGNS[self]


_SIGNS: Final[Mapping[Action, str]] = {
    Action.NO_OP: " ",
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.REPLACE: "-/+",
    Action.DELETE: "-",
    Action.KEEP: "=",
}


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
    notes: tuple[str, ...] = ()
    remark: str = ""
    # What it lets in, or no longer keeps, a sentence each: the user has to agree to it.
    loosens: tuple[str, ...] = ()

    @property
    def mutates(self) -> bool:
        """Whether carrying it out changes anything in AWS."""
        return self.action not in {Action.NO_OP, Action.KEEP}
