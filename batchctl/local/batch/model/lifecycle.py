"""The states that compute environments and job queues share, and how they change.

CREATING, UPDATING and DELETING last for a moment; what is in one of them can be neither updated
nor deleted. After it a resource is VALID, INVALID (with the reason) or gone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from batchctl.local.batch.api.errors import RefusedError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_BUSY = frozenset({"CREATING", "UPDATING", "DELETING"})
_STATES = frozenset({"ENABLED", "DISABLED"})


@dataclass(kw_only=True)
class Resource:
    """A resource with a state of its own (ENABLED, DISABLED) and a status that Batch moves on."""

    name: str
    arn: str
    state: str
    tags: dict[str, str]
    settles_at: float | None
    status: str = "CREATING"
    status_reason: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    def is_due(self, now: float) -> bool:
        """Return whether the passing status should end by `now`."""
        return self.settles_at is not None and self.settles_at <= now

    def pass_through(self, status: str, settles_at: float) -> None:
        """Enter CREATING, UPDATING or DELETING until `settles_at`."""
        self.status, self.settles_at = status, settles_at
        self.status_reason = ""

    def settle(self, problem: str | None, healthy: str) -> None:
        """Become VALID, or INVALID because of `problem`."""
        self.settles_at = None
        self.status = "INVALID" if problem else "VALID"
        self.status_reason = problem or healthy

    def require_settled(self, verb: str) -> None:
        """Refuse to `verb` (update, delete) what Batch is still changing."""
        if self.status in _BUSY:
            raise RefusedError(f"Cannot {verb}, resource is being modified.")

    def require_disabled(self) -> None:
        """Refuse to delete what is ENABLED."""
        if self.state != "DISABLED":
            raise RefusedError(f"Cannot delete, {self.name} must be in the DISABLED state.")


def check_name(name: str, member: str) -> None:
    """Refuse all but 1 to 128 letters, digits, `-`, `_`, the first a letter or digit."""
    if not _NAME.fullmatch(name):
        raise RefusedError(f"Error executing request, Exception : {member} {name!r} is not valid")


def check_state(state: str) -> None:
    """Refuse a state other than ENABLED and DISABLED."""
    if state not in _STATES:
        raise RefusedError(f"State must be ENABLED or DISABLED, not {state}")
