"""The job table as the compute container sees it: reads a task's items, writes their results.

Keys and their meaning are the contract's (`table`). Read: of `JOB` the number of items in the
universe (`items`, from the second run of a job on `attempt_items`), the parameters (a JSON string)
and `expires_at`, where jobs are not kept for ever; the chunks of the run's universe. Written: how
an item ended (status, result or error and reason, attempts, seconds, expires_at).

Containers of other jobs may have written any of these: a spoilt job or chunk ends the task with a
clear error, a spoilt result is computed again. The job role needs dynamodb:BatchGetItem and
dynamodb:PutItem on the table, and nothing else.
"""

from __future__ import annotations

import dataclasses
import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from batchctl.contract import table
from batchctl.contract.limits import MAX_ITEM_BYTES
from batchctl.contract.reasons import Reason
from batchctl.contract.retention import items_expiry
from batchctl.contract.statuses import ItemStatus

if TYPE_CHECKING:  # the image has boto3, but not its stubs
    from mypy_boto3_dynamodb import DynamoDBClient

KEYS_PER_CALL = 100  # DynamoDB API reference, BatchGetItem: at most 100 items in a call
LONGEST_PAUSE_S = 20.0
FRUITLESS_CALLS = 10  # in a row that process not one key, before we give up


class JobTableError(Exception):
    """The job table doesn't hold what the task needs, or doesn't give it."""


@dataclasses.dataclass(frozen=True)
class Slice:
    """One task's share of a job's universe: the items from `start` up to, not including, `stop`.

    From the second `run` of a job on, its universe is what the earlier ones have left.
    """

    job_id: str
    start: int
    stop: int
    run: int = 1
    items_per_chunk: int = table.ITEMS_PER_CHUNK


@dataclasses.dataclass(frozen=True)
class Work:
    """What a task has to do: the items without a recorded success, out of `total` in its slice.

    `expires_at`, epoch seconds, is when results are to be deleted; None: never. `malformed` counts
    the results that were none. `results` is the partition key that results are written under.
    """

    items: tuple[str, ...]
    total: int
    parameters: dict[str, Any]
    expires_at: int | None = None
    malformed: int = 0
    results: str = ""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How an item ended: with a `result`, the JSON text of an object, or else with an `error`.

    tries: calls of compute. seconds: wall time of the last of them.
    """

    result: str | None
    error: str | None
    tries: int
    seconds: float

    @property
    def status(self) -> ItemStatus:
        """The status that is recorded."""
        return ItemStatus.FAILED if self.result is None else ItemStatus.SUCCEEDED


class JobTable:
    """One job table, over a DynamoDB client; `sleep` takes seconds."""

    def __init__(
        self, client: DynamoDBClient, name: str, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Keep the client; the first call is made when it is needed."""
        self.client = client
        self.name = name
        self.sleep = sleep

    def read(self, wanted: Slice) -> Work:
        """Return what is left to do of a slice; a recorded failure is done again, a success not.

        Raises JobTableError when the job or a part of its universe is missing or malformed.
        """
        job, items = self._job_and_items(wanted)
        results = partition_in(wanted.job_id, job)
        statuses = self._statuses(results, items)
        return Work(
            items=tuple(item for item in items if statuses.get(item) != ItemStatus.SUCCEEDED),
            total=len(items),
            parameters=parameters_in(wanted.job_id, job),
            expires_at=expiry_in(wanted.job_id, job),
            malformed=sum(status not in tuple(ItemStatus) for status in statuses.values()),
            results=results,
        )

    def record(
        self, partition: str, item: str, outcome: Outcome, expires_at: int | None = None
    ) -> bool:
        """Write the outcome of an item; False when a success stood there already: it stays.

        Two attempts of one task can overlap, as a reclaimed host may end late, and a put that is
        repeated after a lost answer meets its own record. Neither may undo a success.
        """
        try:
            self.client.put_item(
                TableName=self.name,
                Item=result_record(partition, item, outcome, expires_at),
                ConditionExpression="attribute_not_exists(job_id) OR #status <> :succeeded",
                ExpressionAttributeNames={"#status": "status"},  # a reserved word in DynamoDB
                ExpressionAttributeValues={":succeeded": table.text(ItemStatus.SUCCEEDED)},
            )
        except self.client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _job_and_items(self, wanted: Slice) -> tuple[dict[str, Any], list[str]]:
        """Return the record of the job and the items of the slice, in the universe's order."""
        chunks = range(
            wanted.start // wanted.items_per_chunk, -(-wanted.stop // wanted.items_per_chunk)
        )
        names = [table.chunk_key(chunk, wanted.run) for chunk in chunks]
        attributes = [
            table.SORT_KEY,
            "items",
            "attempt_items",
            "parameters",
            "expires_at",
            "layout",
        ]
        records = {
            record[table.SORT_KEY]["S"]: record
            for record in self._get(wanted.job_id, [table.JOB, *names], attributes)
        }
        if table.JOB not in records:
            raise JobTableError(f"table `{self.name}` has no job `{wanted.job_id}`")
        stored = [
            item
            for name in names
            if name in records
            for item in chunk_in(wanted.job_id, name, records[name])
        ]
        offset = wanted.start - chunks.start * wanted.items_per_chunk
        items = stored[offset : offset + wanted.stop - wanted.start]
        job = records[table.JOB]
        total = "items" if wanted.run == 1 else "attempt_items"
        default = None if wanted.run == 1 else 0
        check_complete(wanted, items, total=number_in(wanted.job_id, job, total, default))
        return job, items

    def _statuses(self, partition: str, items: Sequence[str]) -> dict[str, str | None]:
        """Return the status of each of `items` that has a result; None where that says none."""
        # each key once, as BatchGetItem takes it (DynamoDB API reference)
        names = list(dict.fromkeys(map(table.result_key, items)))
        return {
            table.item_of(record[table.SORT_KEY]["S"]): text_in(record, "status")
            for record in self._get(partition, names, [table.SORT_KEY, "status"])
        }

    def _get(
        self, partition: str, names: Sequence[str], attributes: Sequence[str]
    ) -> Iterator[dict[str, Any]]:
        """Yield the records of a partition that exist under these sort keys, in no order."""
        aliases = {f"#{attribute}": attribute for attribute in attributes}
        for first in range(0, len(names), KEYS_PER_CALL):
            yield from self._get_all(
                {
                    "Keys": [
                        table.key(partition, name) for name in names[first : first + KEYS_PER_CALL]
                    ],
                    "ConsistentRead": True,  # an earlier attempt may have written just now
                    "ProjectionExpression": ", ".join(aliases),
                    "ExpressionAttributeNames": aliases,
                }
            )

    def _get_all(self, request: Any) -> Iterator[dict[str, Any]]:
        """Yield the records of one BatchGetItem request, asking again for what it leaves out.

        DynamoDB API reference, BatchGetItem: beyond 16 MB, or if throttled, an answer holds a part
        and names the rest as UnprocessedKeys, to be asked for again with exponential backoff.
        """
        fruitless = 0
        while request["Keys"]:
            answer = self.client.batch_get_item(RequestItems={self.name: request})
            yield from answer["Responses"].get(self.name, [])
            unprocessed: Any = answer.get("UnprocessedKeys", {})
            left = unprocessed.get(self.name, {}).get("Keys", [])
            fruitless = fruitless + 1 if len(left) == len(request["Keys"]) else 0
            if fruitless:
                self._back_off(fruitless)
            request = {**request, "Keys": left}

    def _back_off(self, fruitless: int) -> None:
        """Wait before the next call, with jitter, as 10,000 tasks may be throttled together."""
        if fruitless == FRUITLESS_CALLS:
            raise JobTableError(
                f"table `{self.name}` stays throttled: {fruitless} calls gave nothing"
            )
        longest = min(LONGEST_PAUSE_S, 0.1 * 2**fruitless)
        self.sleep(random.uniform(longest / 2, longest))  # noqa: S311  # no secret


def malformed(job_id: str, what: str) -> JobTableError:
    """Return the error for a record that somebody has spoilt."""
    return JobTableError(f"{what} of job `{job_id}` is malformed: submit the job under another id")


def text_in(record: Any, name: str) -> str | None:
    """Return a string of a record in DynamoDB's JSON; None where there is none."""
    value = record.get(name)
    text = value.get("S") if isinstance(value, dict) else None
    return text if isinstance(text, str) else None


def number_in(job_id: str, job: Any, name: str, default: int | None = None) -> int:
    """Return a whole number of a job's record; `default` (None: there must be one) without it."""
    if name not in job and default is not None:
        return default
    text = job[name].get("N") if isinstance(job.get(name), dict) else None
    if not isinstance(text, str) or not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise malformed(job_id, f"the record, its `{name}`,")
    return int(text)


def partition_in(job_id: str, job: Any) -> str:
    """Return the partition key of the results of a job."""
    layout = number_in(job_id, job, "layout", default=1)
    return table.results_partition(job_id) if layout >= table.LAYOUT else job_id


def expiry_in(job_id: str, job: Any) -> int | None:
    """Return when the results of a job are to be deleted; None: never."""
    return items_expiry(number_in(job_id, job, "expires_at")) if "expires_at" in job else None


def parameters_in(job_id: str, job: Any) -> dict[str, Any]:
    """Return the parameters in a job's record, an object."""
    if "parameters" not in job:
        return {}
    try:
        parameters = json.loads(text_in(job, "parameters") or "")
    except (ValueError, RecursionError) as error:
        raise malformed(job_id, "the record, its `parameters`,") from error
    if not isinstance(parameters, dict):
        raise malformed(job_id, "the record, its `parameters`,")
    return parameters


def chunk_in(job_id: str, name: str, record: Any) -> list[str]:
    """Return the items of a chunk of the universe."""
    value = record.get("items")
    entries = value.get("L") if isinstance(value, dict) else None
    items = [entry.get("S") for entry in entries or ()] if isinstance(entries, list) else []
    if not 0 < len(items) <= table.ITEMS_PER_CHUNK or not all(is_item(item) for item in items):
        raise malformed(job_id, f"the universe (`{name}`)")
    return items


def is_item(value: object) -> bool:
    """Return whether a value can be an item, which is part of a key."""
    return isinstance(value, str) and 0 < len(value.encode(errors="replace")) <= MAX_ITEM_BYTES


def check_complete(wanted: Slice, items: Sequence[str], total: int) -> None:
    """Raise JobTableError unless `items` is all that a universe of `total` items has there."""
    if wanted.start >= total:
        raise JobTableError(
            f"run {wanted.run} of job `{wanted.job_id}` has {total} items, and the task"
            f" begins at item {wanted.start}"
        )
    expected = min(wanted.stop, total) - wanted.start
    if len(items) != expected:
        raise JobTableError(
            f"the universe of job `{wanted.job_id}` is incomplete: {len(items)} of {expected} items"
            f" from item {wanted.start}"
        )


def result_record(
    partition: str, item: str, outcome: Outcome, expires_at: int | None = None
) -> dict[str, Any]:
    """Return the record of how an item ended, in DynamoDB's JSON."""
    record: dict[str, Any] = {
        **table.key(partition, table.result_key(item)),
        "status": table.text(outcome.status),
        "attempts": table.number(outcome.tries),
        "seconds": table.decimal(outcome.seconds),
    }
    if outcome.result is not None:
        record["result"] = table.text(outcome.result)
    if outcome.error is not None:
        # What happens to the container itself, its memory or its host, others record.
        record |= {"error": table.text(outcome.error), "reason": table.text(Reason.EXCEPTION)}
    if expires_at is not None:
        record["expires_at"] = table.number(expires_at)
    return record
