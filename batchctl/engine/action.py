"""What is done with a resource: the whole vocabulary of a plan."""

from __future__ import annotations

from enum import Enum


class Action(Enum):
    """What is done with a resource, with the sign that the plan prints."""

    NO_OP = " "
    CREATE = "+"
    UPDATE = "~"
    REPLACE = "-/+"
    DELETE = "-"
    KEEP = "="
