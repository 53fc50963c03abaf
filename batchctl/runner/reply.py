"""What an item's process sends before it ends: a result, or the error that compute raised.

One line of JSON, then so many bytes of text as it says: only what came whole counts.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass

from batchctl.contract.reasons import Reason
from batchctl.runner.results import LARGEST_RESULT_BYTES

MAX_REPLY_BYTES = LARGEST_RESULT_BYTES + 64 * 1024
"""What is longer is no reply of ours: compute has written to a descriptor that isn't its own."""


@dataclass(frozen=True)
class Reply:
    """How a try ended: with a `result`, JSON text, or with an `error`.

    `is_final`: another try can't end otherwise.
    """

    result: str | None = None
    error: str | None = None
    reason: Reason = Reason.EXCEPTION
    is_final: bool = False
    seconds: float = 0.0

    def encoded(self) -> bytes:
        """Return it as it goes over the pipe."""
        text = (self.error if self.result is None else self.result) or ""
        body = text.encode()
        head = {
            "is_result": self.result is not None,
            "reason": str(self.reason),
            "is_final": self.is_final,
            "seconds": self.seconds,
            "size": len(body),
        }
        return json.dumps(head).encode() + b"\n" + body


def decoded(data: bytes) -> Reply | None:
    """Return the reply that came; None where none came whole."""
    line, _, body = data.partition(b"\n")
    try:
        head = json.loads(line)
        if not isinstance(head, dict) or head["size"] != len(body):
            return None
        text = body.decode()
        is_result = bool(head["is_result"])
        return Reply(
            text if is_result else None,
            None if is_result else text,
            Reason(head["reason"]),
            bool(head["is_final"]),
            float(head["seconds"]),
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of `data`; raises OSError where nobody reads it."""
    while data:
        data = data[os.write(descriptor, data) :]
