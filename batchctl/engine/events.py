"""The progress of a run as data: the engine emits events, the command line shows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # what is shown of a run needs no AWS
    from batchctl.engine.steps import Step


@dataclass(frozen=True)
class Started:
    """A step has started."""

    step: Step


@dataclass(frozen=True)
class Waiting:
    """A step waits for AWS to do `what`."""

    step: Step
    what: str


@dataclass(frozen=True)
class Finished:
    """A step is done, after `seconds`."""

    step: Step
    seconds: float


@dataclass(frozen=True)
class Failed:
    """A step failed; its dependents are skipped."""

    step: Step
    error: BaseException


@dataclass(frozen=True)
class Skipped:
    """A step was not started, because of a failure before it."""

    address: str
    because: str


@dataclass(frozen=True)
class Kept:
    """A replaced resource stays for the time being: what still runs in it."""

    step: Step
    because: str


Event = Started | Waiting | Finished | Failed | Skipped | Kept
Emit = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Drop an event."""
    del event
