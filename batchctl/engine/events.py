"""What happens during a run, as data: the engine tells, the command line shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # what is shown of a run needs no AWS
    from batchctl.engine.steps import Step


@dataclass(frozen=True)
class Started:
    """A step began."""

    step: Step


@dataclass(frozen=True)
class Waiting:
    """A step waits for AWS; `what` says for what."""

    step: Step
    what: str


@dataclass(frozen=True)
class Finished:
    """A step is done, after so many seconds."""

    step: Step
    seconds: float


@dataclass(frozen=True)
class Failed:
    """A step failed; its dependents are skipped."""

    step: Step
    error: BaseException


@dataclass(frozen=True)
class Skipped:
    """A step was not begun, because of what failed before it."""

    address: str
    because: str


Event = Started | Waiting | Finished | Failed | Skipped
Emit = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Tell nobody."""
    del event
