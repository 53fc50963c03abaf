"""Records how tasks ended whose items have no result: FAILED with the reason, or SUCCEEDED.

What the container recorded stays: an exception of compute.py says more than Batch's exit status. A
container that records nothing says all by that: 0 is a success, whose result is null.
Nothing is found here twice, so that whoever comes first (an event, a reader) does the work, and
whoever dies in the middle of it leaves less for the next.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from handlers.keeping import items_expiry
from handlers.reasons import Failure, Reason, Success, end_of
from handlers.record import (
    RESULT_PREFIX,
    BatchJob,
    JobRecord,
    Status,
    expiry_value,
    key,
    number,
    text,
)
from handlers.store.batch_write import MAX_ROUNDS, WRITERS, WriteRefusedError
from handlers.store.universe import ITEMS_PER_CHUNK, Universe

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

IDS_PER_CALL = 100
"""Jobs of one DescribeJobs (AWS Batch API reference, DescribeJobs)."""

KEYS_PER_CALL = 100
"""Keys of one BatchGetItem (DynamoDB API reference, BatchGetItem)."""

CHUNKS_AT_ONCE = 4
"""The deadline is looked at after so many chunks, a thousand items."""

NEVER_SUBMITTED = Failure(Reason.UNKNOWN, "the task was never submitted to AWS Batch")

Numbered = Sequence[tuple[int, str]]
"""Items with their places in the universe of the attempt."""


@dataclass(frozen=True)
class Explainer:
    """Explains the items of jobs. `clock` gives seconds of any beginning; `sleep` takes them."""

    client: DynamoDBClient
    universe: Universe
    batch: BatchClient
    clock: Callable[[], float]

    def explain(self, job: JobRecord, deadline: float) -> int:
        """Explain the items of an ended attempt from the first `job.explained` on.

        Gives up to which item that is done: `job.items_to_do` at the end, less when the deadline
        (of the clock) came before; a thousand items are done in any case.
        """
        first = job.explained // ITEMS_PER_CHUNK
        chunks = self.universe.chunks(job.job_id, job.attempt, first)
        while stretch := list(islice(chunks, CHUNKS_AT_ONCE)):
            self._explain(job, [each for chunk in stretch for each in chunk.numbered], {})
            if self.clock() >= deadline:
                return min(stretch[-1].stop, job.items_to_do)
        return job.items_to_do

    def explain_task(self, job: JobRecord, task: int, detail: Mapping[str, Any]) -> None:
        """Explain the items of one task that has failed; `detail` is its JobDetail."""
        start = task * job.items_per_task
        stop = min(start + job.items_per_task, job.items_to_do)
        items = self.universe.numbered(job.job_id, job.attempt, start, stop)
        self._explain(job, items, {task: detail})

    def _explain(
        self, job: JobRecord, items: Numbered, details: Mapping[int, Mapping[str, Any]]
    ) -> None:
        """Put a result for each of the items that has none; `details` are those at hand."""
        with ThreadPoolExecutor(max_workers=WRITERS) as pool:
            batches = [items[at : at + KEYS_PER_CALL] for at in range(0, len(items), KEYS_PER_CALL)]
            left = [
                each
                for found in pool.map(lambda b: self._without_result(job, b), batches)
                for each in found
            ]
            if not left:
                return
            ends = self._ends(job, {place // job.items_per_task for place, _ in left}, details)
            puts = [(item, ends[place // job.items_per_task]) for place, item in left]
            for _ in pool.map(lambda put: self._put(job, *put), puts):
                pass  # a result is None; asking for it raises what the call raised

    def _without_result(self, job: JobRecord, items: Numbered) -> Numbered:
        names = {RESULT_PREFIX + item for _, item in items}
        found = set(self._existing(job.job_id, names))
        return [(place, item) for place, item in items if RESULT_PREFIX + item not in found]

    def _existing(self, job_id: str, names: Iterable[str]) -> Iterator[str]:
        """Give those of the sort keys that the table has, as of now."""
        table, keys = self.universe.table, [key(job_id, name) for name in names]
        for attempt in range(MAX_ROUNDS):
            answer = self.client.batch_get_item(
                RequestItems={
                    table: {
                        "Keys": keys,
                        "ConsistentRead": True,
                        "ProjectionExpression": "#item",
                        "ExpressionAttributeNames": {"#item": "item"},
                    }
                }
            )
            yield from (item["item"]["S"] for item in answer["Responses"].get(table, []))
            unprocessed: Any = answer.get("UnprocessedKeys", {})
            if not (keys := unprocessed.get(table, {}).get("Keys", [])):
                return
            # Jitter is no secret: the readers must only not come back all at once.
            self.universe.sleep(random.uniform(0, min(1.0, 0.05 * 2**attempt)))  # noqa: S311
        raise WriteRefusedError

    def _ends(
        self, job: JobRecord, tasks: Collection[int], details: Mapping[int, Mapping[str, Any]]
    ) -> dict[int, Failure | Success]:
        """Say of each task how it ended; what isn't at hand is asked of Batch."""
        asked = {task: child_id(job.batch_jobs, task) for task in tasks if task not in details}
        known = self._describe([each for each in asked.values() if each is not None])
        on_demand = job.overrides.on_demand

        def end(task: int) -> Failure | Success:
            if task in details:
                return end_of(details[task], on_demand=on_demand)
            batch_id = asked[task]
            if batch_id is None:
                return NEVER_SUBMITTED
            return end_of(known.get(batch_id), on_demand=on_demand)

        return {task: end(task) for task in tasks}

    def _describe(self, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        return {
            detail["jobId"]: detail
            for start in range(0, len(ids), IDS_PER_CALL)
            for detail in self.batch.describe_jobs(jobs=ids[start : start + IDS_PER_CALL])["jobs"]
        }

    def _put(self, job: JobRecord, item: str, end: Failure | Success) -> None:
        """Put the result of an item, unless it has got one meanwhile."""
        try:
            self.client.put_item(
                TableName=self.universe.table,
                Item={
                    **key(job.job_id, RESULT_PREFIX + item),
                    **expiry_value(items_expiry(job.expires_at)),
                    **_result(end),
                },
                ConditionExpression="attribute_not_exists(job_id)",
            )
        except self.client.exceptions.ConditionalCheckFailedException:
            return


def child_id(batch_jobs: Sequence[BatchJob], task: int) -> str | None:
    """Give the id in Batch of a task; `None` when it was never submitted.

    A child's is its array's with the index behind a colon (AWS Batch User Guide, "Array jobs").
    """
    for job in batch_jobs:
        if job.first_task <= task < job.first_task + job.tasks:
            return job.id if job.tasks == 1 else f"{job.id}:{task - job.first_task}"
    return None


def _result(end: Failure | Success) -> dict[str, AttributeValueTypeDef]:
    result = {"attempts": number(end.attempts)}
    if isinstance(end, Success):
        result |= {"status": text(Status.SUCCEEDED), "result": text("null")}
    else:
        result |= {
            "status": text(Status.FAILED),
            "error": text(end.error),
            "reason": text(end.reason),
        }
        if end.exit_code is not None:
            result["exit_code"] = number(end.exit_code)
    if end.seconds is not None:
        result["seconds"] = {"N": f"{end.seconds:.3f}"}
    return result
