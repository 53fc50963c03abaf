"""Brings the results of a job of an earlier version to where they are read and written now.

Before results had a partition key of their own (layout 1) they lay under the job's id, where the
containers of a run that is made now may not write. A job gets the new layout together with its
next run, once all of its results are copied. Copies may be made again: until the record says so
nobody reads them. The old ones stay until the job is deleted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from batchctl.contract.job_record import JobRecord
from batchctl.contract.table import (
    LAYOUT,
    PARTITION_KEY,
    RESULT_PREFIX,
    SORT_KEY,
    key,
    results_partition,
    text,
)
from handlers.store.batch_write import BatchWriter
from handlers.store.table import Change, Table, unchanged

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import WriteRequestUnionTypeDef

COPIED = "results_copied"
"""The attribute of a JOB record that says up to which one they are, when a call had to stop."""


@dataclass(frozen=True)
class Migration:
    """Copies results within one table."""

    table: Table

    def bring_results(self, job: JobRecord, deadline: float) -> bool:
        """Copy the results of a job of layout 1; `False` when the deadline came before the end.

        The deadline is by the monotonic clock. A call that repeats one that didn't come to the end
        goes on behind the last copy. Raises WriteRefusedError.
        """
        if job.layout >= LAYOUT:
            return True
        partition = results_partition(job.job_id)
        after = self._copied_up_to(job)
        while True:
            start: dict[str, Any] = (
                {} if after is None else {"ExclusiveStartKey": key(job.job_id, after)}
            )
            answer = self.table.client.query(
                TableName=self.table.name,
                KeyConditionExpression="job_id = :job_id AND begins_with(#item, :prefix)",
                ExpressionAttributeNames={"#item": SORT_KEY},
                ExpressionAttributeValues={
                    ":job_id": text(job.job_id),
                    ":prefix": text(RESULT_PREFIX),
                },
                ConsistentRead=True,
                **start,
            )
            self._copy([dict(item) for item in answer["Items"]], partition)
            if "LastEvaluatedKey" not in answer:
                return True
            after = str(answer["LastEvaluatedKey"][SORT_KEY]["S"])
            if self.table.monotonic() >= deadline:
                position = Change({COPIED: text(after)})
                self.table.change(job.job_id, position, unchanged(job.status, job.run))
                return False

    def _copied_up_to(self, job: JobRecord) -> str | None:
        """Return the sort key of the last result that an earlier call has copied, if any."""
        answer = self.table.client.get_item(
            TableName=self.table.name,
            Key=key(job.job_id),
            ProjectionExpression=COPIED,
            ConsistentRead=True,
        )
        found = answer.get("Item", {}).get(COPIED, {}).get("S")
        return found if found and found.startswith(RESULT_PREFIX) else None

    def _copy(self, items: list[dict[str, Any]], partition: str) -> None:
        def put(number: int) -> WriteRequestUnionTypeDef:
            return {"PutRequest": {"Item": {**items[number], PARTITION_KEY: text(partition)}}}

        BatchWriter(self.table).write(len(items), put)
