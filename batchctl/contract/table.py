"""The job table: its keys, and values in the form that DynamoDB has on the wire.

Partition key `job_id`, sort key `item`. Under the job's id, written by the functions alone:

    JOB                       the job's record: one for a job
    UNIVERSE#<chunk>          so many items of the universe as the record says, 250 at most, in the
                              attributes that `chunks` knows
    ATTEMPT#<run>#UNIVERSE#<chunk>
                              the same for a run from the second on: what was left to do, with the
                              `indexes` of those in the whole universe (4 bytes each, little-endian)
    PART#<part>               a part of a universe that came in parts, all of which has come
    PIECE#<part>#<digest>#<n> what such a part holds, until it is written as chunks
    ATTEMPTS#<run>#<task>     how often a task's host was taken away, and what that cost

Under partition keys of their own, the only ones that a job's containers may write:

    <job_id>#RESULTS   RESULT#<item>    how an item ended
    <job_id>#PROGRESS  <run>#<task>     how far a task is: a byte an item

(Jobs that were submitted before there were such keys, of layout 1, have their results under the
job's id.) No job_id has a `#`. <chunk> and <task> have 8 digits, <part> and <n>
have 4, <run> has 2. A *run* is one pass
over the items of a job: the first, and one more for each `retry`; table and API have called its
number `attempt` from the start.

The sparse index `by_created_at` (partition key `listing`, sort key `created_at`) has the accepted
jobs.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

PARTITION_KEY, SORT_KEY = "job_id", "item"
RESULTS_SUFFIX, PROGRESS_SUFFIX = "#RESULTS", "#PROGRESS"
JOB = "JOB"
RESULT_PREFIX = "RESULT#"
RECLAIMS_PREFIX = "ATTEMPTS#"
PART_PREFIX, PIECE_PREFIX = "PART#", "PIECE#"
LISTING = "JOB"
INDEX = "by_created_at"
LISTING_KEY, CREATED_AT = "listing", "created_at"

MAX_SORT_KEY_BYTES = 1024
"""DynamoDB developer guide, "Quotas in Amazon DynamoDB": a sort key has at most 1,024 bytes."""

LAYOUT = 2
"""Of jobs that are submitted now. Those without a layout are of the first one."""

ITEMS_PER_CHUNK = 250
"""Items of a chunk, at most, and of every chunk where the record of a job doesn't say how many."""

MAX_CHUNK_BYTES = 64 * 1024
"""A task reads the chunks of its slice when it starts, in units of 4 KB of which a partition gives
3,000 a second (DynamoDB developer guide, "Partitions and data distribution")."""

CHUNK_SIZES = (ITEMS_PER_CHUNK, 125, 62, 12)
"""Of 62 items, none of which is longer than a key can be, a chunk is always small enough; of 12
where they have parameters of their own."""

_ENTRY_BYTES = 3
"""What DynamoDB counts for an element of a list beside its text (developer guide, "Item sizes"),
and some more."""

LAST_CHUNK = 99_999_999


class AttributeValue(TypedDict, total=False):
    """A value as DynamoDB has it on the wire: one of these (DynamoDB API reference)."""

    S: str
    N: str
    B: bytes
    SS: Sequence[str]
    NS: Sequence[str]
    BS: Sequence[bytes]
    M: Mapping[str, Any]
    L: Sequence[Any]
    NULL: bool
    BOOL: bool


Item = dict[str, AttributeValue]
"""An item, or the key of one, by the names of its attributes."""


def partition_key(value: str) -> Item:
    """Return a partition key as an attribute."""
    return {PARTITION_KEY: text(value)}


def results_partition(job_id: str) -> str:
    """Return the partition key of a job's results."""
    return job_id + RESULTS_SUFFIX


def progress_partition(job_id: str) -> str:
    """Return the partition key of the progress of a job's tasks."""
    return job_id + PROGRESS_SUFFIX


def progress_key(run: int, task: int) -> str:
    """Return the sort key of a task's progress."""
    return f"{run:02d}#{task:08d}"


def task_in_progress_key(sort_key: str) -> tuple[int, int] | None:
    """Return run and task of a sort key that `progress_key` made; None for any other."""
    found = re.fullmatch(r"([0-9]{2})#([0-9]{8})", sort_key)
    return (int(found[1]), int(found[2])) if found else None


def key(job_id: str, sort_key: str = JOB) -> Item:
    """Return the primary key of an item of a job."""
    return {PARTITION_KEY: text(job_id), SORT_KEY: text(sort_key)}


def result_key(item: str) -> str:
    """Return the sort key of an item's result."""
    return RESULT_PREFIX + item


def item_of(sort_key: str) -> str:
    """Return the item whose result has this sort key."""
    return sort_key.removeprefix(RESULT_PREFIX)


def items_per_chunk(items: Sequence[str], own: Mapping[int, str] = {}) -> int:
    """Return how many of these items to put into a chunk, so that each is small enough.

    `own` has the JSON of the items' own parameters, by index.
    """
    return chunk_size(entry_sizes(items, own))


def entry_sizes(items: Sequence[str], own: Mapping[int, str]) -> list[int]:
    """Return the bytes that items take in a chunk, each with its own parameters."""
    sizes = [(len(item) if item.isascii() else len(item.encode())) + _ENTRY_BYTES for item in items]
    for index, parameters in own.items():
        sizes[index] += len(parameters)
    return sizes


def chunk_size(sizes: Sequence[int]) -> int:
    """Return how many items to put into a chunk, by the bytes that each takes in it."""

    def fits(size: int) -> bool:
        starts = range(0, len(sizes), size)
        return all(sum(sizes[at : at + size]) <= MAX_CHUNK_BYTES for at in starts)

    return next((size for size in CHUNK_SIZES if fits(size)), CHUNK_SIZES[-1])


def chunk_key(chunk: int, run: int = 1) -> str:
    """Return the sort key of a chunk of a run's universe: they are numbered from 0 on."""
    return f"{_chunk_prefix(run)}{chunk:08d}"


def chunk_of(sort_key: str, run: int = 1) -> int | None:
    """Return the number of the chunk that has this sort key; None for what is no chunk's."""
    number = sort_key.removeprefix(_chunk_prefix(run))
    return int(number) if re.fullmatch(r"[0-9]{8}", number) else None


def _chunk_prefix(run: int) -> str:
    return "UNIVERSE#" if run == 1 else f"ATTEMPT#{run:02d}#UNIVERSE#"


def part_key(part: int) -> str:
    """Return the sort key of the mark of a part: they are numbered from 1 on."""
    return f"{PART_PREFIX}{part:04d}"


def part_of(sort_key: str) -> int | None:
    """Return the number of the part that has this sort key; None for what is no part's."""
    found = re.fullmatch(rf"{PART_PREFIX}([0-9]{{4}})", sort_key)
    return int(found[1]) if found else None


def piece_key(part: int, digest: str, piece: int | None = None) -> str:
    """Return the sort key of a piece of a part; without its number, how those of a part begin."""
    prefix = f"{PIECE_PREFIX}{part:04d}#{digest}#"
    return prefix if piece is None else f"{prefix}{piece:04d}"


def packed_indexes(indexes: Sequence[int]) -> bytes:
    """Return indexes of items as the bytes that a chunk has of them."""
    return struct.pack(f"<{len(indexes)}I", *indexes)


def indexes_in(packed: bytes) -> tuple[int, ...]:
    """Return the indexes that `packed_indexes` packed."""
    return struct.unpack(f"<{len(packed) // 4}I", packed[: len(packed) // 4 * 4])


def reclaims_key(run: int, task: int) -> str:
    """Return the sort key of what reclaims cost a task."""
    return f"{RECLAIMS_PREFIX}{run:02d}#{task:08d}"


def text(value: str) -> AttributeValue:
    """Return a string in DynamoDB's form."""
    return {"S": value}


def number(value: int) -> AttributeValue:
    """Return a whole number in DynamoDB's form."""
    return {"N": str(value)}


def flag(value: bool) -> AttributeValue:
    """Return a boolean in DynamoDB's form."""
    return {"BOOL": value}


def decimal(value: float) -> AttributeValue:
    """Return seconds, or another fraction, in DynamoDB's form: three places."""
    return {"N": f"{value:.3f}"}
