"""The parts of a universe that is larger than one request, until it is written as chunks.

A part is the JSON of its entries, compressed, in pieces of what an item of the table may hold; then
a mark that says so. Pieces are named by what they hold, so that two requests never mix theirs, and
a mark is only put when no other content of that part has one.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from batchctl.contract.chunks import COMPRESSION, read_list
from batchctl.contract.fields import MAX_COUNT, Fields, MalformedItemError
from batchctl.contract.job_record import JobRecord
from batchctl.contract.retention import expiry_attribute, items_expiry
from batchctl.contract.table import (
    PART_PREFIX,
    PIECE_PREFIX,
    SORT_KEY,
    Item,
    key,
    number,
    part_key,
    part_of,
    piece_key,
    text,
)
from handlers.store.batch_write import BatchWriter
from handlers.store.malformed import well_formed
from handlers.store.table import Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import WriteRequestUnionTypeDef

PIECE_BYTES = 350_000
"""DynamoDB quotas: an item has 400 KB at most, the names of its attributes included."""

MAX_PIECES = 100


@dataclass(frozen=True)
class Mark:
    """A part that is stored: its number, the upload that it is of, and the digest of its JSON.

    `largest` is what its largest entry takes in a chunk.
    """

    number: int
    token: str
    digest: str
    pieces: int
    json_bytes: int
    largest: int


@dataclass(frozen=True)
class Parts:
    """The parts in one table."""

    table: Table

    def put(
        self, job: JobRecord, part: int, content: bytes, largest: int, keep_until: int | None
    ) -> bool:
        """Store a part, the JSON of a list of entries; the same again changes nothing.

        The mark is kept until `keep_until`, so that the part can be known again, the pieces as long
        as an upload may take. Returns `False` when another content of this part is there. Raises
        WriteRefusedError.
        """
        digest = hashlib.sha256(content).hexdigest()
        present = self.mark(job, part)
        if present is not None and present.token == job.token:
            return present.digest == digest
        packed = gzip.compress(content, COMPRESSION, mtime=0)
        count = -(-len(packed) // PIECE_BYTES)

        def put(piece: int) -> WriteRequestUnionTypeDef:
            piece_content = packed[piece * PIECE_BYTES : (piece + 1) * PIECE_BYTES]
            item: Item = {
                **key(job.job_id, piece_key(part, digest, piece)),
                **expiry_attribute(job.expires_at),
                "content": {"B": piece_content},
            }
            return {"PutRequest": {"Item": item}}

        BatchWriter(self.table).write(count, put)
        return self._put_mark(
            job, Mark(part, job.token or "", digest, count, len(content), largest), keep_until
        )

    def mark(self, job: JobRecord, part: int) -> Mark | None:
        """Return the mark of a part as of now, whichever upload it is of."""
        answer = self.table.client.get_item(
            TableName=self.table.name, Key=key(job.job_id, part_key(part)), ConsistentRead=True
        )
        found = [answer["Item"]] if "Item" in answer else []
        return next(well_formed(found, _mark), None)

    def marks(self, job: JobRecord) -> dict[int, Mark]:
        """Return the parts of a job's upload that are stored, as of now, by their numbers."""
        found = (_mark(item) for item in self._query(job.job_id, PART_PREFIX))
        return {mark.number: mark for mark in found if mark.token == job.token}

    def read(self, job: JobRecord) -> Iterator[bytes]:
        """Return the parts of a job's upload in their order: the JSON of a list of entries each.

        Raises MalformedItemError where a piece isn't there.
        """
        marks = self.marks(job)
        for part in sorted(marks):
            mark = marks[part]
            pieces = [
                item["content"]["B"]
                for item in self._query(job.job_id, piece_key(part, mark.digest))
            ]
            try:
                content = gzip.decompress(b"".join(pieces))
            except (OSError, EOFError) as error:
                raise MalformedItemError(key(job.job_id, part_key(part)), "is cut") from error
            yield content

    def entries(self, job: JobRecord) -> Iterator[tuple[list[str], dict[int, str]]]:
        """Return the items of the parts, and their own parameters by index, part by part."""
        return map(read_list, self.read(job))

    def delete_pieces(self, job_id: str) -> None:
        """Delete what the parts hold; the marks stay."""
        names = [item[SORT_KEY]["S"] for item in self._query(job_id, PIECE_PREFIX, keys_only=True)]
        BatchWriter(self.table).write(
            len(names), lambda at: {"DeleteRequest": {"Key": key(job_id, names[at])}}
        )

    def _put_mark(self, job: JobRecord, mark: Mark, keep_until: int | None) -> bool:
        client = self.table.client
        try:
            client.put_item(
                TableName=self.table.name,
                Item={
                    **key(job.job_id, part_key(mark.number)),
                    **expiry_attribute(items_expiry(keep_until)),
                    "token": text(mark.token),
                    "digest": text(mark.digest),
                    "pieces": number(mark.pieces),
                    "json_bytes": number(mark.json_bytes),
                    "largest": number(mark.largest),
                },
                ConditionExpression=(
                    "attribute_not_exists(job_id) OR #token <> :token OR digest = :digest"
                ),
                ExpressionAttributeNames={"#token": "token"},
                ExpressionAttributeValues={
                    ":token": text(mark.token),
                    ":digest": text(mark.digest),
                },
            )
        except client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _query(self, job_id: str, prefix: str, *, keys_only: bool = False) -> Iterator[Any]:
        more: Any = {"ProjectionExpression": "#item"} if keys_only else {}
        pages = self.table.client.get_paginator("query").paginate(
            TableName=self.table.name,
            KeyConditionExpression="job_id = :job_id AND begins_with(#item, :prefix)",
            ExpressionAttributeNames={"#item": SORT_KEY},
            ExpressionAttributeValues={":job_id": text(job_id), ":prefix": text(prefix)},
            ConsistentRead=True,
            **more,
        )
        return (item for page in pages for item in page["Items"])


def _mark(item: Mapping[str, Any]) -> Mark:
    fields = Fields(item)
    part = part_of(fields.text(SORT_KEY))
    if part is None:
        raise fields.malformed(SORT_KEY)
    return Mark(
        number=part,
        token=fields.text("token"),
        digest=fields.text("digest"),
        pieces=fields.whole("pieces", MAX_PIECES),
        json_bytes=fields.whole("json_bytes", MAX_COUNT),
        largest=fields.whole("largest", MAX_COUNT),
    )
