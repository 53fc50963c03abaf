"""The API calls of the commands, as botocore makes them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

READING = ("Get", "List", "Describe", "Scan", "Simulate")


@dataclass
class Calls:
    """The API calls of the commands, with what was sent."""

    made: list[tuple[str, str, Any]] = field(default_factory=list)

    @property
    def writes(self) -> list[str]:
        return [f"{s}.{o}" for s, o, _ in self.made if not o.startswith(READING)]

    def count(self, operation: str) -> int:
        """How often an operation was called."""
        return sum(made == operation for _, made, _ in self.made)

    @property
    def sent(self) -> str:
        """Everything that was sent, as one text."""
        sent = [parameters for _, _, parameters in self.made]
        # Not the code of the functions: a library in it may name any ARN.
        return json.dumps(sent, default=lambda value: type(value).__name__)
