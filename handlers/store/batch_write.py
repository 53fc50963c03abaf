"""Many writes to the table at once: batches of 25, several under way, and none left unwritten."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handlers.store.table import Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import WriteRequestUnionTypeDef

REQUESTS_PER_CALL = 25
"""Requests of one BatchWriteItem (DynamoDB API reference, BatchWriteItem: 25 and 16 MB)."""

WRITERS = 8
"""Calls under way at once: they wait for DynamoDB, not for the processor."""

MAX_ROUNDS = 20
"""A partition takes 1,000 writes of 1 KB a second (DynamoDB Developer Guide, "Partitions and data
distribution"): the 6 MB that Lambda lets in are written in some 8 s, and a call may have to wait
that long."""


class WriteRefusedError(Exception):
    """DynamoDB kept back a part of the writes for too long; the same can be tried again."""


@dataclass(frozen=True)
class BatchWriter:
    """Writes into one table."""

    table: Table

    def write(self, count: int, request: Callable[[int], WriteRequestUnionTypeDef]) -> None:
        """Send the requests 0 to `count` - 1; each is made by `request` only when it is its turn.

        Raises WriteRefusedError when DynamoDB throttles without end.
        """
        starts = range(0, count, REQUESTS_PER_CALL)

        def send(start: int) -> None:
            stop = min(start + REQUESTS_PER_CALL, count)
            self._send([request(number) for number in range(start, stop)])

        with ThreadPoolExecutor(max_workers=max(1, min(WRITERS, len(starts)))) as pool:
            for _ in pool.map(send, starts):
                pass  # a result is None; asking for it raises what the call raised

    def _send(self, requests: list[WriteRequestUnionTypeDef]) -> None:
        for round_ in range(MAX_ROUNDS):
            answer = self.table.client.batch_write_item(RequestItems={self.table.name: requests})
            requests = list(answer.get("UnprocessedItems", {}).get(self.table.name, []))
            if not requests:
                return
            # Jitter is no secret: the writers must only not come back all at once.
            self.table.sleep(random.uniform(0, min(1.0, 0.05 * 2**round_)))  # noqa: S311
        raise WriteRefusedError
