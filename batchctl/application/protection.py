"""`protect: true`: no `down`, and no replacement of what keeps jobs or of what callers reach."""

from __future__ import annotations

from collections.abc import Iterator

from batchctl.engine.action import Action
from batchctl.engine.plan import Plan
from batchctl.engine.state import State
from batchctl.errors import UsageError

GUARDED = frozenset({"table", "queue", "load_balancer", "listener", "rest_api", "stage"})
PROTECTION_OFF = "the stack is no longer protected: `batchctl down` can delete it"


def require_unprotected(state: State | None, name: str) -> None:
    """Raise UsageError where `down` may not take the stack down."""
    if state is not None and state.protected:
        raise UsageError(
            f"could not delete `{name}`: it is protected (`protect: true`)",
            hint="to delete it, set `protect: false` in config.yaml and run `batchctl up` first",
        )


def require_nothing_guarded(plan: Plan, state: State | None, *, protect: bool) -> None:
    """Raise UsageError where a protected stack would lose its table, a queue or its front door."""
    if not protect and not (state is not None and state.protected):
        return
    guarded = [
        step.address
        for step in plan.changes
        if step.action in {Action.REPLACE, Action.DELETE} and _kind(step.address) in GUARDED
    ]
    if guarded:
        names = ", ".join(f"`{each}`" for each in guarded)
        raise UsageError(
            f"could not replace {names}: the stack is protected (`protect: true`)",
            hint="to go ahead, set `protect: false` and run `batchctl up` without the other "
            "changes first",
        )


def no_longer_protected(state: State | None, *, protect: bool) -> Iterator[str]:
    """Say that the protection goes, where it does."""
    if state is not None and state.protected and not protect:
        yield PROTECTION_OFF


def _kind(address: str) -> str:
    return address.partition(".")[0]
