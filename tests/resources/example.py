"""What the contract test needs to know of a kind: one of it, and one changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from batchctl.engine.plan import Action
from batchctl.resource import Resource


@dataclass(frozen=True)
class Example:
    """A resource as wanted, the same with one field changed, and what that change must lead to."""

    resource: Resource[Any]
    changed: Resource[Any] | None = None
    action: Action = Action.UPDATE
