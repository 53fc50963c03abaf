"""The job table as the compute container sees it: reads a task's items, writes their results.

Partition key `job_id`, sort key `item`. Read: `JOB` (items: the length of the universe; parameters:
a JSON string) and `UNIVERSE#<8 digits>` (items: 250 of the universe). A job that is tried again has
for that attempt `ATTEMPT#<2 digits>#UNIVERSE#<8 digits>`, the items that had not succeeded, and in
`JOB` their number, `attempt_items`. Written: `RESULT#<item>` (status, result or error and reason,
attempts, seconds). The job role needs dynamodb:BatchGetItem and dynamodb:PutItem on the table, and
nothing else.
"""

from __future__ import annotations

import dataclasses
import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the image has boto3, but not its stubs
    from mypy_boto3_dynamodb import DynamoDBClient

CHUNK_ITEMS = 250  # items in one UNIVERSE# record
RESULT_PREFIX = "RESULT#"
KEYS_PER_CALL = 100  # DynamoDB API reference, BatchGetItem: at most 100 items in a call
LONGEST_PAUSE_S = 20.0
FRUITLESS_CALLS = 10  # in a row that process not one key, before we give up


class JobTableError(Exception):
    """The job table doesn't hold what the task needs, or doesn't give it."""


@dataclasses.dataclass(frozen=True)
class Slice:
    """One task's share of a job's universe: the items from `start` up to, not including, `stop`.

    From the second `attempt` at a job on, its universe is what the earlier ones have left.
    """

    job_id: str
    start: int
    stop: int
    attempt: int = 1


@dataclasses.dataclass(frozen=True)
class Work:
    """What a task has to do: the items without a recorded success, out of `total` in its slice."""

    items: tuple[str, ...]
    total: int
    parameters: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How an item ended: with a `result`, the JSON text of an object, or else with an `error`.

    attempts: calls of compute. seconds: wall time of the last of them.
    """

    result: str | None
    error: str | None
    attempts: int
    seconds: float

    @property
    def status(self) -> str:
        """SUCCEEDED or FAILED, as it is recorded."""
        return "FAILED" if self.result is None else "SUCCEEDED"


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

        Raises JobTableError when the job or a part of its universe is missing.
        """
        job, items = self._job_and_items(wanted)
        succeeded = self._succeeded(wanted.job_id, items)
        return Work(
            items=tuple(item for item in items if item not in succeeded),
            total=len(items),
            parameters=json.loads(job["parameters"]["S"]) if "parameters" in job else {},
        )

    def record(self, job_id: str, item: str, outcome: Outcome) -> bool:
        """Write the outcome of an item; False when a success stood there already: it stays.

        Two attempts at one task can overlap, as a reclaimed host may end late, and a put that is
        repeated after a lost answer meets its own record. Neither may undo a success.
        """
        try:
            self.client.put_item(
                TableName=self.name,
                Item=result_record(job_id, item, outcome),
                ConditionExpression="attribute_not_exists(job_id) OR #status <> :succeeded",
                ExpressionAttributeNames={"#status": "status"},  # a reserved word in DynamoDB
                ExpressionAttributeValues={":succeeded": {"S": "SUCCEEDED"}},
            )
        except self.client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _job_and_items(self, wanted: Slice) -> tuple[dict[str, Any], list[str]]:
        """Return the JOB record and the items of the slice, in the universe's order."""
        chunks = range(wanted.start // CHUNK_ITEMS, -(-wanted.stop // CHUNK_ITEMS))
        names = [chunk_key(chunk, wanted.attempt) for chunk in chunks]
        attributes = ["item", "items", "attempt_items", "parameters"]
        records = {
            record["item"]["S"]: record
            for record in self._get(wanted.job_id, ["JOB", *names], attributes)
        }
        if "JOB" not in records:
            raise JobTableError(f"table `{self.name}` has no job `{wanted.job_id}`")
        stored = [
            element["S"]
            for name in names
            if name in records
            for element in records[name]["items"]["L"]
        ]
        offset = wanted.start - chunks.start * CHUNK_ITEMS
        items = stored[offset : offset + wanted.stop - wanted.start]
        job = records["JOB"]
        total = job["items"] if wanted.attempt == 1 else job.get("attempt_items", {"N": "0"})
        check_complete(wanted, items, total=int(total["N"]))
        return job, items

    def _succeeded(self, job_id: str, items: Sequence[str]) -> set[str]:
        """Return those of `items` that have a recorded success."""
        names = [RESULT_PREFIX + item for item in items]
        return {
            record["item"]["S"].removeprefix(RESULT_PREFIX)
            for record in self._get(job_id, names, ["item", "status"])
            if record["status"]["S"] == "SUCCEEDED"
        }

    def _get(
        self, job_id: str, names: Sequence[str], attributes: Sequence[str]
    ) -> Iterator[dict[str, Any]]:
        """Yield the records of a job that exist under these sort keys, in no order."""
        aliases = {f"#{attribute}": attribute for attribute in attributes}
        for first in range(0, len(names), KEYS_PER_CALL):
            yield from self._get_all(
                {
                    "Keys": [
                        {"job_id": {"S": job_id}, "item": {"S": name}}
                        for name in names[first : first + KEYS_PER_CALL]
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


def chunk_key(chunk: int, attempt: int = 1) -> str:
    """Return the sort key of a chunk of the universe of an attempt at a job."""
    prefix = "" if attempt == 1 else f"ATTEMPT#{attempt:02d}#"
    return f"{prefix}UNIVERSE#{chunk:08d}"


def check_complete(wanted: Slice, items: Sequence[str], total: int) -> None:
    """Raise JobTableError unless `items` is all that a universe of `total` items has there."""
    if wanted.start >= total:
        raise JobTableError(
            f"attempt {wanted.attempt} at job `{wanted.job_id}` has {total} items, and the task"
            f" begins at item {wanted.start}"
        )
    expected = min(wanted.stop, total) - wanted.start
    if len(items) != expected:
        raise JobTableError(
            f"the universe of job `{wanted.job_id}` is incomplete: {len(items)} of {expected} items"
            f" from item {wanted.start}"
        )


def result_record(job_id: str, item: str, outcome: Outcome) -> dict[str, Any]:
    """Return the RESULT# record in DynamoDB's JSON."""
    record = {
        "job_id": {"S": job_id},
        "item": {"S": RESULT_PREFIX + item},
        "status": {"S": outcome.status},
        "attempts": {"N": str(outcome.attempts)},
        "seconds": {"N": f"{outcome.seconds:.3f}"},
    }
    if outcome.result is not None:
        record["result"] = {"S": outcome.result}
    if outcome.error is not None:
        # What happens to the container itself, its memory or its host, others record.
        record |= {"error": {"S": outcome.error}, "reason": {"S": "EXCEPTION"}}
    return record
