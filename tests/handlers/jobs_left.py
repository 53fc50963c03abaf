"""Jobs as receiver, splitter and container leave them, and what the API says of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from batch_double import BatchDouble

from batchctl.contract.job_record import JobRecord
from batchctl.contract.statuses import Status
from batchctl.contract.table import key, results_partition
from batchctl.contract.timestamps import timestamp
from handlers.batch.splitter import Splitter
from handlers.store.jobs import JobStore
from handlers.store.universe import Universe


@dataclass
class Jobs:
    """Jobs as receiver, splitter and container leave them."""

    table: JobStore
    universe: Universe
    job_splitter: Splitter
    batch: BatchDouble
    clock: Callable[[], float]

    def queued(self, items: int = 4, job_id: str = "demo-1", items_per_task: int = 1) -> JobRecord:
        created_at = timestamp(self.clock())
        job = JobRecord(job_id, Status.RECEIVING, created_at, items, items_per_task, "hash")
        self.table.create(job)
        if items <= 10_001:  # of what is bigger no test asks for the items
            self.universe.write(job, [f"item-{n}" for n in reversed(range(items))])
        self.table.accept(job_id)
        return replace(job, status=Status.QUEUED)

    def submitted(self, items: int = 4, job_id: str = "demo-1", items_per_task: int = 1) -> str:
        """Submit a job; gives the id of its (last) Batch job."""
        self.queued(items, job_id, items_per_task)
        self.job_splitter.split(job_id, "invocation-1", 60_000)
        return list(self.batch.jobs)[-1]

    def result(self, item: str, status: str = "SUCCEEDED", **attributes: Any) -> None:
        self.table.client.put_item(
            TableName=self.table.name,
            Item={
                **key(results_partition("demo-1"), f"RESULT#{item}"),
                "status": {"S": status},
                **attributes,
            },
        )

    def all_succeeded(self, items: int = 4) -> None:
        for number in range(items):
            self.result(f"item-{number}")


def tasks(body: Any) -> tuple[int, int, int, int]:
    """Give pending, running, succeeded, failed; they must make the total."""
    counts = body["tasks"]
    numbers = (counts["pending"], counts["running"], counts["succeeded"], counts["failed"])
    assert sum(numbers) == counts["total"]
    return numbers
