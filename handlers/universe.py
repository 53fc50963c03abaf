"""The universe of a job in the table: cut into chunks, written in batches, read back in order.

The first attempt at a job works on the whole universe; another one has a universe of its own, of
what was left to do, under other keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handlers.record import key, text
from handlers.writing import Writer, WriteRefusedError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import WriteRequestUnionTypeDef

__all__ = ["ITEMS_PER_CHUNK", "Universe", "WriteRefusedError", "chunk_key"]

ITEMS_PER_CHUNK = 250
"""250 items of at most 1,017 bytes stay well below the 400 KB that DynamoDB allows for an item; 25
chunks, a call's, are 7 MB at most."""

LAST_CHUNK = 99_999_999


@dataclass(frozen=True)
class Universe:
    """The chunks of universes in one table. `sleep` takes seconds."""

    client: DynamoDBClient
    table: str
    sleep: Callable[[float], None]

    def write(self, job_id: str, items: Sequence[str], attempt: int = 1) -> None:
        """Write the chunks of an attempt's universe; the same again changes nothing.

        Raises WriteRefusedError when DynamoDB throttles without end.
        """

        def put(chunk: int) -> WriteRequestUnionTypeDef:
            start = chunk * ITEMS_PER_CHUNK
            entries = [text(item) for item in items[start : start + ITEMS_PER_CHUNK]]
            return {
                "PutRequest": {
                    "Item": {**key(job_id, chunk_key(chunk, attempt)), "items": {"L": entries}}
                }
            }

        chunks = -(-len(items) // ITEMS_PER_CHUNK)
        Writer(self.client, self.table, self.sleep).write(chunks, put)

    def read(self, job_id: str, attempt: int = 1) -> Iterator[str]:
        """Give the items of an attempt's universe in their order."""
        for chunk in self.chunks(job_id, attempt):
            yield from chunk

    def items(self, job_id: str, attempt: int, start: int, stop: int) -> list[str]:
        """Give the items of an attempt's universe from `start` up to, not including, `stop`."""
        first = start // ITEMS_PER_CHUNK
        chunks = self.chunks(job_id, attempt, first, (stop - 1) // ITEMS_PER_CHUNK)
        offset = first * ITEMS_PER_CHUNK
        return [item for chunk in chunks for item in chunk][start - offset : stop - offset]

    def chunks(
        self, job_id: str, attempt: int = 1, first: int = 0, last: int = LAST_CHUNK
    ) -> Iterator[list[str]]:
        """Give the chunks of an attempt's universe in their order, from `first` to `last`."""
        pages = self.client.get_paginator("query").paginate(
            TableName=self.table,
            KeyConditionExpression="job_id = :job_id AND #item BETWEEN :first AND :last",
            ExpressionAttributeNames={"#item": "item"},
            ExpressionAttributeValues={
                ":job_id": text(job_id),
                ":first": text(chunk_key(first, attempt)),
                ":last": text(chunk_key(last, attempt)),
            },
        )
        for page in pages:
            for chunk in page["Items"]:
                yield [entry["S"] for entry in chunk["items"]["L"]]


def chunk_key(chunk: int, attempt: int = 1) -> str:
    """Give the sort key of a chunk: chunk n has the items from n times ITEMS_PER_CHUNK."""
    prefix = "UNIVERSE#" if attempt == 1 else f"ATTEMPT#{attempt:02d}#UNIVERSE#"
    return f"{prefix}{chunk:08d}"
