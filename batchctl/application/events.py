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


@dataclass(frozen=True)
class InstallingLocalCloud:
    """What the local cloud runs on is installed: once for all projects, `text` says what."""

    text: str


@dataclass(frozen=True)
class DifferentPython:
    """Local tasks run with another version of Python than the image has."""

    here: str
    image: str


@dataclass(frozen=True)
class ConfigWarning:
    """The configuration is valid, but something in it should be written otherwise."""

    text: str


@dataclass(frozen=True)
class OtherPort:
    """In the local cloud `what` listens on the port `chosen`, as the `usual` one is taken."""

    what: str
    usual: int
    chosen: int


Event = (
    StartingLocalCloud
    | InstallingLocalCloud
    | GoingByState
    | DifferentPython
    | ConfigWarning
    | OtherPort
)
OnEvent = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Report to nobody."""
    del event
