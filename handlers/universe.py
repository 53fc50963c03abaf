"""The universe of a job in the table: cut into chunks, written in batches, read back in order."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handlers.record import key, text

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import WriteRequestUnionTypeDef

ITEMS_PER_CHUNK = 250
"""250 items of at most 1,017 bytes stay well below the 400 KB that DynamoDB allows for an item."""

CHUNKS_PER_CALL = 25
"""Puts of one BatchWriteItem (DynamoDB API reference: 25 and 16 MB; 25 chunks are 7 MB at most)."""

WRITERS = 8
"""Calls under way at once: they wait for DynamoDB, not for the processor."""

MAX_ROUNDS = 20
"""A partition takes 1,000 writes of 1 KB a second (DynamoDB Developer Guide, "Partitions and data
distribution"): the 6 MB that Lambda lets in are written in some 8 s, and a call may have to wait
that long."""


class WriteRefusedError(Exception):
    """DynamoDB kept back a part of the universe for too long; the request can be sent again."""


@dataclass(frozen=True)
class Universe:
    """The chunks of universes in one table. `sleep` takes seconds."""

    client: DynamoDBClient
    table: str
    sleep: Callable[[float], None]

    def write(self, job_id: str, items: Sequence[str]) -> None:
        """Write the chunks of a universe; the same again changes nothing.

        Raises WriteRefusedError when DynamoDB throttles without end.
        """
        step = ITEMS_PER_CHUNK * CHUNKS_PER_CALL
        starts = range(0, len(items), step)
        with ThreadPoolExecutor(max_workers=min(WRITERS, len(starts))) as pool:
            for _ in pool.map(
                lambda start: self._put(_puts(job_id, start, items[start : start + step])), starts
            ):
                pass  # a result is None; asking for it raises what the call raised

    def read(self, job_id: str) -> Iterator[str]:
        """Give the items of a universe in their order."""
        pages = self.client.get_paginator("query").paginate(
            TableName=self.table,
            KeyConditionExpression="job_id = :job_id AND begins_with(#item, :prefix)",
            ExpressionAttributeNames={"#item": "item"},
            ExpressionAttributeValues={":job_id": text(job_id), ":prefix": text("UNIVERSE#")},
        )
        for page in pages:
            for chunk in page["Items"]:
                yield from (entry["S"] for entry in chunk["items"]["L"])

    def _put(self, puts: list[WriteRequestUnionTypeDef]) -> None:
        for attempt in range(MAX_ROUNDS):
            answer = self.client.batch_write_item(RequestItems={self.table: puts})
            puts = list(answer.get("UnprocessedItems", {}).get(self.table, []))
            if not puts:
                return
            # Jitter is no secret: the writers must only not come back all at once.
            self.sleep(random.uniform(0, min(1.0, 0.05 * 2**attempt)))  # noqa: S311
        raise WriteRefusedError


def chunk_key(chunk: int) -> str:
    """Give the sort key of a chunk: chunk n has the items from n times ITEMS_PER_CHUNK."""
    return f"UNIVERSE#{chunk:08d}"


def _puts(job_id: str, start: int, items: Sequence[str]) -> list[WriteRequestUnionTypeDef]:
    """Give the puts of some chunks; `start`, the place of the first item, begins a chunk."""
    return [
        {
            "PutRequest": {
                "Item": {
                    **key(job_id, chunk_key((start + offset) // ITEMS_PER_CHUNK)),
                    "items": {
                        "L": [text(item) for item in items[offset : offset + ITEMS_PER_CHUNK]]
                    },
                }
            }
        }
        for offset in range(0, len(items), ITEMS_PER_CHUNK)
    ]
