"""What is done with a resource: the whole vocabulary of a plan."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final


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
