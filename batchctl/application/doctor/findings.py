"""How a check comes out: fine, a warning, a problem, or not known, with what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from batchctl.application.building import BuildableApplication


class Level(IntEnum):
    """How much a finding matters; a PROBLEM stops `up`, or makes jobs wait for ever."""

    OK = 0
    UNKNOWN = 1
    WARNING = 2
    PROBLEM = 3


@dataclass(frozen=True)
class Finding:
    """What a check found: `found` in a sentence, `fix` where there is something to do."""

    level: Level
    found: str
    fix: str | None = None


def ok(found: str) -> Finding:
    """Return a finding that needs nothing done."""
    return Finding(Level.OK, found)


def warning(found: str, fix: str) -> Finding:
    """Return a finding that may matter."""
    return Finding(Level.WARNING, found, fix)


def problem(found: str, fix: str) -> Finding:
    """Return a finding that stops `up`, or jobs."""
    return Finding(Level.PROBLEM, found, fix)


def unknown(found: str, fix: str | None = None) -> Finding:
    """Return the finding of a check that could not look."""
    return Finding(Level.UNKNOWN, found, fix)


Run = Callable[["BuildableApplication"], Iterable[Finding]]
"""Runs a check of an application's surroundings; what it raises becomes a finding."""


@dataclass(frozen=True)
class Check:
    """One check: what it is about, and how it runs. `calls` says whether it asks AWS."""

    name: str
    run: Run
    calls: bool = True
