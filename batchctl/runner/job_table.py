"""The job table as the compute container sees it: reads a task's items, writes their results.

Keys and their meaning are the contract's (`table`). Read: of `JOB` the number of items in the
universe (`items`, from the second run of a job on `attempt_items`), the parameters (a JSON string)
and `expires_at`, where jobs are not kept for ever; the chunks of the run's universe; what code the
job brings along, if any (`shipped_code`). Written, under partition keys of their own: how an item
ended (`result_record`), and how far the task is (`progress`).

Containers of other jobs may have written any of these: a spoilt job or chunk ends the task with a
clear error, a spoilt result is computed again. The job role needs dynamodb:BatchGetItem and
dynamodb:PutItem on the table, and nothing else.
"""

from __future__ import annotations

import dataclasses
import json
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from batchctl.contract import chunks, shipped_code, table
from batchctl.contract.progress import ProgressRecord
from batchctl.contract.reasons import Reason
from batchctl.contract.result_record import ResultRecord
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

    From the second `run` of a job on, its universe is what the earlier ones have left. The universe
    is stored in parts of `chunk` items.
    """

    job_id: str
    start: int
    stop: int
    run: int = 1
    chunk: int = table.ITEMS_PER_CHUNK


@dataclasses.dataclass(frozen=True)
class Work:
    """What a task has to do: those `items` of its slice that have `succeeded` no earlier.

    `own` are the parameters of an item's own, which go before the job's `parameters`.
    `expires_at`, epoch seconds, is when results are to be deleted; None: never. `malformed` counts
    the results that were none. `code` is what the job names as its own code (`shipped_code`).
    """

    slice: tuple[str, ...]
    succeeded: frozenset[str]
    parameters: dict[str, Any]
    expires_at: int | None = None
    malformed: int = 0
    own: Mapping[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    code: object = None

    @property
    def items(self) -> tuple[str, ...]:
        """What is left to do, in the universe's order."""
        return tuple(item for item in self.slice if item not in self.succeeded)

    @property
    def total(self) -> int:
        """How many items the slice has."""
        return len(self.slice)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How an item ended: with a `result`, the JSON text of an object, or else with an `error`.

    tries: calls of compute. Of the last of them: seconds, wall time; how its process ended, by
    itself (`exit_code`) or by a `signal` (128 and its number is the code then); what it needed.
    """

    result: str | None
    error: str | None
    tries: int
    seconds: float
    reason: Reason = Reason.EXCEPTION
    exit_code: int | None = None
    signal: str | None = None
    peak_memory_mib: float | None = None

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
        job, items, own = self._job_and_items(wanted)
        statuses = self._statuses(wanted.job_id, items)
        parameters = parameters_in(wanted.job_id, job)
        return Work(
            slice=tuple(items),
            succeeded=frozenset(
                item for item, status in statuses.items() if status == ItemStatus.SUCCEEDED
            ),
            parameters=shipped_code.without_name(parameters),
            expires_at=expiry_in(wanted.job_id, job),
            malformed=sum(status not in tuple(ItemStatus) for status in statuses.values()),
            own={item: json.loads(own[at]) for at, item in enumerate(items) if at in own},
            code=shipped_code.named_in(parameters),
        )

    def record(
        self, job_id: str, item: str, outcome: Outcome, expires_at: int | None = None
    ) -> bool:
        """Write the outcome of an item; False when a success stood there already: it stays.

        Two attempts of one task can overlap, as a reclaimed host may end late, and a put that is
        repeated after a lost answer meets its own record. Neither may undo a success.
        """
        try:
            self.client.put_item(
                TableName=self.name,
                Item=result_record(job_id, item, outcome, expires_at),
                ConditionExpression="attribute_not_exists(job_id) OR #status <> :succeeded",
                ExpressionAttributeNames={"#status": "status"},  # a reserved word in DynamoDB
                ExpressionAttributeValues={":succeeded": table.text(ItemStatus.SUCCEEDED)},
            )
        except self.client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def record_progress(self, job_id: str, record: ProgressRecord, expires_at: int | None) -> None:
        """Write how far the task is, in place of what was written before."""
        self.client.put_item(TableName=self.name, Item=record.as_item(job_id, expires_at))

    def _job_and_items(self, wanted: Slice) -> tuple[dict[str, Any], list[str], Mapping[int, str]]:
        """Return the job's record, the slice's items, and their own parameters by index."""
        numbers = range(wanted.start // wanted.chunk, -(-wanted.stop // wanted.chunk))
        names = [table.chunk_key(number, wanted.run) for number in numbers]
        attributes = [
            table.SORT_KEY,
            "items",
            "packed",
            "attempt_items",
            "parameters",
            "expires_at",
        ]
        records = {
            record[table.SORT_KEY]["S"]: record
            for record in self.get(wanted.job_id, [table.JOB, *names], attributes)
        }
        if table.JOB not in records:
            raise JobTableError(f"table `{self.name}` has no job `{wanted.job_id}`")
        stored, own = list[str](), dict[int, str]()
        offset = wanted.start - numbers.start * wanted.chunk
        for name in names:
            if name in records:
                found, theirs = chunk_in(wanted, name, records[name])
                own |= {len(stored) - offset + at: given for at, given in theirs.items()}
                stored += found
        items = stored[offset : offset + wanted.stop - wanted.start]
        job = records[table.JOB]
        total = "items" if wanted.run == 1 else "attempt_items"
        default = None if wanted.run == 1 else 0
        check_complete(wanted, items, total=number_in(wanted.job_id, job, total, default))
        return job, items, own

    def _statuses(self, job_id: str, items: Sequence[str]) -> dict[str, str | None]:
        """Return the status of each of `items` that has a result; None where that says none."""
        # each key once, as BatchGetItem takes it (DynamoDB API reference)
        names = list(dict.fromkeys(map(table.result_key, items)))
        return {
            table.item_of(record[table.SORT_KEY]["S"]): text_in(record, "status")
            for record in self.get(
                table.results_partition(job_id), names, [table.SORT_KEY, "status"]
            )
        }

    def get(
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


def chunk_in(wanted: Slice, name: str, record: Any) -> tuple[list[str], dict[int, str]]:
    """Return the items of a chunk of the universe, and parameters of their own by index."""
    try:
        return chunks.entries_in(record, wanted.chunk)
    except (ValueError, RecursionError) as error:
        raise malformed(wanted.job_id, f"the universe (`{name}`)") from error


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
    job_id: str, item: str, outcome: Outcome, expires_at: int | None = None
) -> dict[str, Any]:
    """Return the record of how an item ended, in DynamoDB's JSON."""
    has_failed = outcome.result is None
    record = ResultRecord(
        item,
        outcome.status,
        result=outcome.result,
        error=outcome.error,
        reason=outcome.reason if has_failed else None,
        exit_code=outcome.exit_code if has_failed else None,
        attempts=outcome.tries,
        seconds=outcome.seconds,
        peak_memory_mib=outcome.peak_memory_mib,
        signal=outcome.signal if has_failed else None,
    )
    return dict(record.as_item(table.results_partition(job_id), expires_at))
