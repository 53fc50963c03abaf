"""The universe of a job in the table: split into chunks, written in batches, read back in order.

The first run of a job works on the whole universe; another one has a universe of its own, of what
was left to do, under other keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from batchctl.contract.fields import Fields
from batchctl.contract.limits import MAX_ITEM_BYTES
from batchctl.contract.retention import expiry_attribute
from batchctl.contract.table import (
    ITEMS_PER_CHUNK,
    LAST_CHUNK,
    SORT_KEY,
    chunk_key,
    chunk_of,
    key,
    text,
)
from handlers.store.batch_write import BatchWriter
from handlers.store.malformed import well_formed
from handlers.store.table import Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import WriteRequestUnionTypeDef


@dataclass(frozen=True)
class Chunk:
    """A chunk of a universe: its items, of which the first has the index `start` in the whole."""

    start: int
    items: list[str]

    @property
    def stop(self) -> int:
        """The index at which the next chunk starts."""
        return self.start + ITEMS_PER_CHUNK

    @property
    def numbered(self) -> Iterator[tuple[int, str]]:
        """The items with their indexes."""
        return enumerate(self.items, start=self.start)


@dataclass(frozen=True)
class Universe:
    """The chunks of universes in one table.

    A chunk that is malformed is left out by all that read; indexes stay right.
    """

    table: Table

    def write(
        self, job_id: str, items: Sequence[str], run: int = 1, expires_at: int | None = None
    ) -> None:
        """Write the chunks of a run's universe; the same again changes nothing.

        DynamoDB deletes them after `expires_at`, epoch seconds. Raises WriteRefusedError when
        DynamoDB throttles without end.
        """

        def put(chunk: int) -> WriteRequestUnionTypeDef:
            start = chunk * ITEMS_PER_CHUNK
            entries = [text(item) for item in items[start : start + ITEMS_PER_CHUNK]]
            item = {
                **key(job_id, chunk_key(chunk, run)),
                **expiry_attribute(expires_at),
                "items": {"L": entries},
            }
            return {"PutRequest": {"Item": item}}

        chunks = -(-len(items) // ITEMS_PER_CHUNK)
        BatchWriter(self.table).write(chunks, put)

    def read(self, job_id: str, run: int = 1) -> Iterator[str]:
        """Return the items of a run's universe in their order."""
        for chunk in self.chunks(job_id, run):
            yield from chunk.items

    def whole(self, job_id: str, run: int, size: int) -> list[str | None]:
        """Return the `size` items of a run's universe, `None` for those that can't be read."""
        found: list[str | None] = [None] * size
        for chunk in self.chunks(job_id, run):
            for index, item in chunk.numbered:
                if index < size:
                    found[index] = item
        return found

    def numbered(self, job_id: str, run: int, start: int, stop: int) -> list[tuple[int, str]]:
        """Return the items of a run's universe from `start` up to `stop`, with their indexes."""
        chunks = self.chunks(job_id, run, start // ITEMS_PER_CHUNK, (stop - 1) // ITEMS_PER_CHUNK)
        found = (each for chunk in chunks for each in chunk.numbered)
        return [(index, item) for index, item in found if start <= index < stop]

    def chunks(
        self, job_id: str, run: int = 1, first: int = 0, last: int = LAST_CHUNK
    ) -> Iterator[Chunk]:
        """Return the chunks of a run's universe in their order, from `first` to `last`."""
        pages = self.table.client.get_paginator("query").paginate(
            TableName=self.table.name,
            KeyConditionExpression="job_id = :job_id AND #item BETWEEN :first AND :last",
            ExpressionAttributeNames={"#item": "item"},
            ExpressionAttributeValues={
                ":job_id": text(job_id),
                ":first": text(chunk_key(first, run)),
                ":last": text(chunk_key(last, run)),
            },
        )
        found = (item for page in pages for item in page["Items"])
        return well_formed(found, lambda item: _chunk(item, run))


def _chunk(item: Mapping[str, Any], run: int) -> Chunk:
    """Read a chunk; raises MalformedItemError."""
    fields = Fields(item)
    number = chunk_of(fields.text(SORT_KEY), run)
    if number is None:
        raise fields.malformed(SORT_KEY)
    items = fields.texts("items", ITEMS_PER_CHUNK)
    # Each is to be a part of a key, which can be neither empty nor longer than DynamoDB takes it.
    if not all(0 < len(each.encode(errors="replace")) <= MAX_ITEM_BYTES for each in items):
        raise fields.malformed("items")
    return Chunk(number * ITEMS_PER_CHUNK, items)
