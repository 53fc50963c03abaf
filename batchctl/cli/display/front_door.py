"""What becomes of the front door, for people and for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batchctl.cli.output import say

if TYPE_CHECKING:
    from batchctl.application import FrontDoorChange


def as_json(change: FrontDoorChange) -> dict[str, Any]:
    """Return it as data: `from` is None when nothing is deployed."""
    old, new = change.agreed, change.wanted
    return {
        "from": {"mode": old.mode, "auth": old.auth} if old else None,
        "to": {"mode": new.mode, "auth": new.auth},
        "loosens": bool(change.loosened),
        "loosened": list(change.loosened),
        "warnings": list(change.warnings),
    }


def show_front_door(change: FrontDoorChange) -> None:
    """Print what becomes of the front door, when it changes, and what to know of the new one."""
    old, new = change.agreed, change.wanted
    if old and change.replaces:
        say(
            f"front door: `{old.mode}` with auth `{old.auth}` -> "
            f"`{new.mode}` with auth `{new.auth}`; the old one goes once the new one works"
        )
    for sentence in change.loosened:
        say(f"LOOSENED: {sentence}")
    for warning in change.warnings:
        say(f"WARNING: {warning}")
