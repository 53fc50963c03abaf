"""The universe of a job in the table: cut into chunks, written in batches, read back in order.

The first attempt at a job works on the whole universe; another one has a universe of its own, of
what was left to do, under other keys.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from handlers.malformed import Fields, well_formed
from handlers.record import MAX_ITEM_BYTES, expiry_value, key, text
from handlers.store.batch_write import Writer, WriteRefusedError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import WriteRequestUnionTypeDef

__all__ = ["ITEMS_PER_CHUNK", "Universe", "WriteRefusedError", "chunk_key"]

ITEMS_PER_CHUNK = 250
"""250 items of at most 1,017 bytes stay well below the 400 KB that DynamoDB allows for an item; 25
chunks, a call's, are 7 MB at most."""

LAST_CHUNK = 99_999_999


@dataclass(frozen=True)
class Chunk:
    """A chunk of a universe: its items, of which the first has the place `start` in the whole."""

    start: int
    items: list[str]

    @property
    def stop(self) -> int:
        """The place where the next chunk starts."""
        return self.start + ITEMS_PER_CHUNK

    @property
    def numbered(self) -> Iterator[tuple[int, str]]:
        """The items with their places."""
        return enumerate(self.items, start=self.start)


@dataclass(frozen=True)
class Universe:
    """The chunks of universes in one table. `sleep` takes seconds.

    A chunk that is malformed is left out by all that read; places stay right.
    """

    client: DynamoDBClient
    table: str
    sleep: Callable[[float], None]

    def write(
        self, job_id: str, items: Sequence[str], attempt: int = 1, expires_at: int | None = None
    ) -> None:
        """Write the chunks of an attempt's universe; the same again changes nothing.

        DynamoDB deletes them after `expires_at`, epoch seconds. Raises WriteRefusedError when
        DynamoDB throttles without end.
        """

        def put(chunk: int) -> WriteRequestUnionTypeDef:
            start = chunk * ITEMS_PER_CHUNK
            entries = [text(item) for item in items[start : start + ITEMS_PER_CHUNK]]
            item = {
                **key(job_id, chunk_key(chunk, attempt)),
                **expiry_value(expires_at),
                "items": {"L": entries},
            }
            return {"PutRequest": {"Item": item}}

        chunks = -(-len(items) // ITEMS_PER_CHUNK)
        Writer(self.client, self.table, self.sleep).write(chunks, put)

    def read(self, job_id: str, attempt: int = 1) -> Iterator[str]:
        """Give the items of an attempt's universe in their order."""
        for chunk in self.chunks(job_id, attempt):
            yield from chunk.items

    def whole(self, job_id: str, attempt: int, size: int) -> list[str | None]:
        """Give the `size` items of an attempt's universe, `None` for those that can't be read."""
        found: list[str | None] = [None] * size
        for chunk in self.chunks(job_id, attempt):
            for place, item in chunk.numbered:
                if place < size:
                    found[place] = item
        return found

    def numbered(self, job_id: str, attempt: int, start: int, stop: int) -> list[tuple[int, str]]:
        """Give the items of an attempt's universe from `start` up to `stop`, with their places."""
        chunks = self.chunks(
            job_id, attempt, start // ITEMS_PER_CHUNK, (stop - 1) // ITEMS_PER_CHUNK
        )
        found = (each for chunk in chunks for each in chunk.numbered)
        return [(place, item) for place, item in found if start <= place < stop]

    def chunks(
        self, job_id: str, attempt: int = 1, first: int = 0, last: int = LAST_CHUNK
    ) -> Iterator[Chunk]:
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
        found = (item for page in pages for item in page["Items"])
        return well_formed(found, lambda item: _chunk(item, attempt))


def chunk_key(chunk: int, attempt: int = 1) -> str:
    """Give the sort key of a chunk: chunk n has the items from n times ITEMS_PER_CHUNK."""
    return f"{_prefix(attempt)}{chunk:08d}"


def _prefix(attempt: int) -> str:
    return "UNIVERSE#" if attempt == 1 else f"ATTEMPT#{attempt:02d}#UNIVERSE#"


def _chunk(item: Mapping[str, Any], attempt: int) -> Chunk:
    """Read a chunk; raises MalformedItemError."""
    fields = Fields(item)
    number = fields.text("item").removeprefix(_prefix(attempt))
    if not re.fullmatch(r"[0-9]{8}", number):
        raise fields.malformed("item")
    items = fields.texts("items", ITEMS_PER_CHUNK)
    # Each is to be a part of a key, which can be neither empty nor longer than DynamoDB takes it.
    if not all(0 < len(each.encode(errors="replace")) <= MAX_ITEM_BYTES for each in items):
        raise fields.malformed("items")
    return Chunk(int(number) * ITEMS_PER_CHUNK, items)
