"""What an application does beside what it was asked for, as data: reported while it happens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class StartingLocalCloud:
    """The local cloud doesn't run yet, and is started: that takes seconds."""


@dataclass(frozen=True)
class GoingByState:
    """The configuration can't be used: what is known comes from the state at `path` alone."""

    path: Path


Event = StartingLocalCloud | GoingByState
OnEvent = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Report to nobody."""
    del event
