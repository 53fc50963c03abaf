"""The universe of a job in the table: split into chunks, written in batches, read back in order.

The first run of a job works on the whole universe; another one has a universe of its own, of what
was left to do, under other keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from batchctl.contract import chunks
from batchctl.contract.chunks import NONE, Own
from batchctl.contract.fields import Fields
from batchctl.contract.job_record import JobRecord
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
    """A chunk of a universe: its items, of which the first has the index `start` in the whole.

    `own` are parameters of theirs, by the index in the chunk.
    """

    start: int
    items: list[str]
    own: Own = field(default_factory=dict)

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

    def write(self, job: JobRecord, items: Sequence[str], own: Own = NONE) -> None:
        """Write the chunks of the universe of a job's first run; the same again changes nothing.

        `own` are parameters of the items' own, by index. Raises WriteRefusedError when DynamoDB
        throttles without end.
        """
        self._write(job, 1, _Content(items, own, job.items_per_chunk))

    def write_packed(self, job: JobRecord, first: int, items: Sequence[str], own: Own) -> None:
        """Write chunks of the universe of a job's first run from the chunk `first` on, compressed.

        Raises WriteRefusedError.
        """
        self._write(job, 1, _Content(items, own, job.items_per_chunk, first=first, packed=True))

    def write_next(self, job: JobRecord, items: Sequence[tuple[int, str]], own: Own = NONE) -> int:
        """Write the universe of the run after the job's present one; the same again does nothing.

        `items` come with their indexes in the whole universe, by which `own` has their parameters.
        Returns how many are in each chunk. Raises WriteRefusedError.
        """
        names, indexes = [item for _, item in items], [index for index, _ in items]
        kept = {at: own[index] for at, index in enumerate(indexes) if index in own}
        size = items_per_chunk(names, kept)
        self._write(job, job.run + 1, _Content(names, kept, size, indexes))
        return size

    def _write(self, job: JobRecord, run: int, content: _Content) -> None:
        expires_at = items_expiry(job.expires_at)

        def put(chunk: int) -> WriteRequestUnionTypeDef:
            item: Item = {
                **key(job.job_id, chunk_key(content.first + chunk, run)),
                **expiry_attribute(expires_at),
                **content.attributes(chunk),
            }
            return {"PutRequest": {"Item": item}}

        BatchWriter(self.table).write(content.chunks, put)

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


@dataclass(frozen=True)
class _Content:
    """What is to be cut into chunks of `size` items; `indexes`: in the whole universe.

    The chunks are numbered from `first` on; `packed`: compressed, whatever they hold.
    """

    items: Sequence[str]
    own: Own
    size: int
    indexes: Sequence[int] | None = None
    first: int = 0
    packed: bool = False

    @property
    def chunks(self) -> int:
        return -(-len(self.items) // self.size)

    def attributes(self, chunk: int) -> Item:
        start = chunk * self.size
        part = slice(start, start + self.size)
        items = self.items[part]
        own = self.own and {
            at: self.own[start + at] for at in range(len(items)) if start + at in self.own
        }
        made = chunks.attributes(items, own, packed=self.packed)
        if self.indexes is not None:
            made["indexes"] = {"B": packed_indexes(self.indexes[part])}
        return made


def _chunk(item: Mapping[str, Any], run: int, size: int) -> Chunk:
    """Read a chunk; raises MalformedItemError."""
    fields = Fields(item)
    number = chunk_of(fields.text(SORT_KEY), run)
    if number is None:
        raise fields.malformed(SORT_KEY)
    try:
        items, own = chunks.entries_in(item, size)
    except (ValueError, RecursionError) as error:
        raise fields.malformed("items") from error
    return Chunk(number * size, items, own)
