"""What the resources of an application are for: the groups in which people are shown them."""

from __future__ import annotations

from enum import StrEnum


class Group(StrEnum):
    """A part of the application, in the order in which a job passes through them."""

    FRONT_DOOR = "front door"
    QUEUE = "queue"
    FUNCTIONS = "functions"
    COMPUTE = "compute"
    DATA = "data"
    EVENTS = "events"
    OTHER = "other"
    """What nothing of the application uses any more."""
