"""What time it is by AWS, as the answers of DynamoDB say: a function's own clock may be wrong.

Leases, and whatever else compares the times of two functions, go by this, so that no clock of ours
doubles a job or buries it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from batchctl.contract.table import key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TOLERANCE_S = 5.0
"""A clock that is right but for this is left alone: an answer names whole seconds, and is some time
on its way."""

NO_JOB = " "
"""A key that no job has: its item is asked for to hear the time."""


class ServiceClock:
    """Gives seconds since the epoch by AWS, as of the last answer that a client had.

    Every answer of DynamoDB has the time of its making (DynamoDB developer guide, "DynamoDB
    low-level API", response format: the header Date). What has passed since then is counted by our
    own clock: who wants to be sure of the time reads something first.
    """

    def __init__(
        self, client: DynamoDBClient, table: str, clock: Callable[[], float] = time.time
    ) -> None:
        """Listen to the answers of a client; `clock` is our own."""
        self._client, self._table, self._clock = client, table, clock
        self._correction_s: float | None = None
        client.meta.events.register("after-call.dynamodb", self._hear)

    def __call__(self) -> float:
        """Return what time it is; the first time asks DynamoDB, if nobody has asked it anything."""
        if self._correction_s is None:
            self._client.get_item(TableName=self._table, Key=key(NO_JOB))
        return self._clock() + (self._correction_s or 0.0)

    def _hear(self, http_response: Any, **_more: Any) -> None:
        """Note how wrong our clock is; an answer that doesn't say leaves it as it was."""
        try:
            said = parsedate_to_datetime(http_response.headers["Date"])
        except (KeyError, TypeError, ValueError):
            self._correction_s = self._correction_s or 0.0
            return
        if said.tzinfo is None:
            said = said.replace(tzinfo=UTC)
        behind_s = (said - datetime.fromtimestamp(self._clock(), UTC)).total_seconds()
        self._correction_s = behind_s if abs(behind_s) > TOLERANCE_S else 0.0
