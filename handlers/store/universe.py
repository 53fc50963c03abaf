"""The universe of a job in the table: split into chunks, written in batches, read back in order.

The first run of a job works on the whole universe; another one has a universe of its own, of what
was left to do, under other keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from batchctl.contract.fields import Fields
from batchctl.contract.job_record import JobRecord
from batchctl.contract.limits import MAX_ITEM_BYTES
from batchctl.contract.retention import expiry_attribute, items_expiry
from batchctl.contract.table import (
    LAST_CHUNK,
    SORT_KEY,
    Item,
    chunk_key,
    chunk_of,
    items_per_chunk,
    key,
    packed_indexes,
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
    def numbered(self) -> Iterator[tuple[int, str]]:
        """The items with their indexes."""
        return enumerate(self.items, start=self.start)


@dataclass(frozen=True)
class Universe:
    """The chunks of universes in one table.

    A chunk that is malformed is left out by all that read; indexes stay right.
    """

    table: Table

    def write(self, job: JobRecord, items: Sequence[str]) -> None:
        """Write the chunks of the universe of a job's first run; the same again changes nothing.

        Raises WriteRefusedError when DynamoDB throttles without end.
        """
        self._write(job, 1, items, job.items_per_chunk, None)

    def write_next(self, job: JobRecord, items: Sequence[tuple[int, str]]) -> int:
        """Write the universe of the run after the job's present one; the same again does nothing.

        `items` come with their indexes in the whole universe. Returns how many are in each chunk.
        Raises WriteRefusedError.
        """
        names = [item for _, item in items]
        size = items_per_chunk(names)
        self._write(job, job.run + 1, names, size, [index for index, _ in items])
        return size

    def _write(
        self,
        job: JobRecord,
        run: int,
        items: Sequence[str],
        size: int,
        indexes: Sequence[int] | None,
    ) -> None:
        expires_at = items_expiry(job.expires_at)

        def put(chunk: int) -> WriteRequestUnionTypeDef:
            part = slice(chunk * size, (chunk + 1) * size)
            item: Item = {
                **key(job.job_id, chunk_key(chunk, run)),
                **expiry_attribute(expires_at),
                "items": {"L": [text(item) for item in items[part]]},
            }
            if indexes is not None:
                item["indexes"] = {"B": packed_indexes(indexes[part])}
            return {"PutRequest": {"Item": item}}

        BatchWriter(self.table).write(-(-len(items) // size), put)

    def read(self, job: JobRecord, run: int = 1) -> Iterator[str]:
        """Return the items of the universe of a job's first or present run, in their order."""
        for chunk in self.chunks(job, run):
            yield from chunk.items

    def whole(self, job: JobRecord) -> list[str | None]:
        """Return the items of the present run's universe, `None` for those that can't be read."""
        found: list[str | None] = [None] * job.items_to_do
        for chunk in self.chunks(job, job.run):
            for index, item in chunk.numbered:
                if index < job.items_to_do:
                    found[index] = item
        return found

    def numbered(self, job: JobRecord, start: int, stop: int) -> list[tuple[int, str]]:
        """Return the present run's items from `start` up to `stop`, with their indexes."""
        size = job.items_per_chunk_of(job.run)
        chunks = self.chunks(job, job.run, start // size, (stop - 1) // size)
        found = (each for chunk in chunks for each in chunk.numbered)
        return [(index, item) for index, item in found if start <= index < stop]

    def chunks(
        self, job: JobRecord, run: int = 1, first: int = 0, last: int = LAST_CHUNK
    ) -> Iterator[Chunk]:
        """Return chunks of the universe of a job's first or present run, from `first` to `last`."""
        pages = self.table.client.get_paginator("query").paginate(
            TableName=self.table.name,
            KeyConditionExpression="job_id = :job_id AND #item BETWEEN :first AND :last",
            ExpressionAttributeNames={"#item": "item"},
            ExpressionAttributeValues={
                ":job_id": text(job.job_id),
                ":first": text(chunk_key(first, run)),
                ":last": text(chunk_key(last, run)),
            },
        )
        found = (item for page in pages for item in page["Items"])
        return well_formed(found, lambda item: _chunk(item, run, job.items_per_chunk_of(run)))


def _chunk(item: Mapping[str, Any], run: int, size: int) -> Chunk:
    """Read a chunk; raises MalformedItemError."""
    fields = Fields(item)
    number = chunk_of(fields.text(SORT_KEY), run)
    if number is None:
        raise fields.malformed(SORT_KEY)
    items = fields.texts("items", size)
    # Each is to be a part of a key, which can be neither empty nor longer than DynamoDB takes it.
    if not all(0 < len(each.encode(errors="replace")) <= MAX_ITEM_BYTES for each in items):
        raise fields.malformed("items")
    return Chunk(number * size, items)
