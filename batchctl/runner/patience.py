"""How long a call to the job table is repeated, and how fast.

A table that is throttled or away for a minute costs time, no result. What waiting doesn't help is
given up sooner.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

LONGEST_PAUSE_S = 20.0
REFUSED_S = 60.0
"""A right that has just been given takes effect within seconds, and so does a new table (IAM User
Guide, "Troubleshoot IAM", "Changes that I make are not always immediately visible")."""

REFUSALS = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "IncompleteSignature",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "NotAuthorized",
        "ResourceNotFoundException",
        "UnrecognizedClientException",
    }
)
"""DynamoDB developer guide, "Error handling": what the same request will meet again."""

REJECTED = frozenset({"ValidationException", "ItemCollectionSizeLimitExceededException"})
"""What is wrong with the record itself: it is never taken."""

T = TypeVar("T")


class GaveUp(Exception):
    """A call was repeated for as long as it may; the cause is the last error."""


@dataclass(frozen=True)
class Patience:
    """Repeats calls. `wait` pauses so many seconds, or less where somebody is in a hurry."""

    wait: Callable[[float], object] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def call(self, call: Callable[[], T], until: Callable[[], float]) -> T:
        """Return what `call` gives, repeated until the clock says `until()`, which may change.

        Raises GaveUp then, and at once what is REJECTED.
        """
        from botocore.exceptions import (  # noqa: PLC0415  # the template has no boto3
            BotoCoreError,
            ClientError,
        )

        began, tries = self.clock(), 0
        while True:
            try:
                return call()
            except (BotoCoreError, ClientError) as error:
                code = code_of(error)
                if code in REJECTED:
                    raise
                limit = until() if code not in REFUSALS else min(until(), began + REFUSED_S)
                left = limit - self.clock()
                if left <= 0:
                    raise GaveUp(str(error)) from error
                tries += 1
                self.wait(min(left, pause_s(tries)))


def pause_s(tries: int) -> float:
    """Return the pause after so many tries in a row.

    With jitter: thousands of tasks may be throttled at the same time.
    """
    longest = min(LONGEST_PAUSE_S, 0.1 * 2 ** min(tries, 10))
    return random.uniform(longest / 4, longest)  # noqa: S311  # no secret


def code_of(error: Exception) -> str | None:
    """Return AWS's code for an error; None for one that came from no answer of AWS's."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code")) if isinstance(response, dict) else None
