"""The list of jobs, newest first: pages of the index that has the accepted jobs alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from batchctl.contract.fields import Fields
from batchctl.contract.job_record import status_in
from batchctl.contract.limits import JOB_ID, MAX_ITEMS
from batchctl.contract.statuses import Status
from batchctl.contract.table import (
    CREATED_AT,
    INDEX,
    JOB,
    LISTING,
    LISTING_KEY,
    PARTITION_KEY,
    SORT_KEY,
    Item,
    key,
    text,
)
from handlers.store.malformed import well_formed
from handlers.store.table import Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import QueryInputTypeDef

MAX_QUERIES = 5
"""So many pages of the index are read, at most, for one page of the list that has a job."""


@dataclass(frozen=True)
class ListedJob:
    """A job in the list: what the index holds."""

    job_id: str
    status: Status
    created_at: str
    items: int
    tasks: int
    finished_at: str | None = None


@dataclass(frozen=True)
class ListCursor:
    """Where in the list of jobs a page begins: after this one.

    `item` is the sort key of that in the table: JOB, if nobody has put anything else into the list.
    """

    created_at: str
    job_id: str
    item: str = JOB


ListPage = tuple[list[ListedJob], ListCursor | None]
"""Jobs, and where the next page begins, if there is one."""


@dataclass(frozen=True)
class Listing:
    """The list of one table; what `is_hidden` (by the time of its end) is left out."""

    table: Table
    is_hidden: Callable[[str | None], bool]

    def page(self, limit: int, after: ListCursor | None) -> ListPage:
        """Return up to `limit` accepted jobs, newest first, and where the next page begins.

        What is in the list and is no job, or is hidden, makes a page shorter.
        """
        for _ in range(MAX_QUERIES):
            jobs, after = self._page(limit, after)
            if jobs or after is None:
                break
        return jobs, after

    def _page(self, limit: int, after: ListCursor | None) -> ListPage:
        request: QueryInputTypeDef = {
            "TableName": self.table.name,
            "IndexName": INDEX,
            "KeyConditionExpression": f"{LISTING_KEY} = :listing",
            "ExpressionAttributeValues": {":listing": text(LISTING)},
            "ScanIndexForward": False,
            "Limit": limit + 1,
        }
        if after is not None:
            request["ExclusiveStartKey"] = _start_key(after)
        answer = self.table.client.query(**request)
        items = answer["Items"]
        jobs = [
            job
            for job in well_formed(items[:limit], _listed_job)
            if not self.is_hidden(job.finished_at)
        ]
        if len(items) <= limit and "LastEvaluatedKey" not in answer:
            return jobs, None
        # An answer that goes on without items has read 1 MB of what is none of ours: its own key.
        return jobs, _cursor(items[:limit][-1] if items else answer["LastEvaluatedKey"])


def _start_key(after: ListCursor) -> Item:
    return {
        **key(after.job_id, after.item),
        LISTING_KEY: text(LISTING),
        CREATED_AT: text(after.created_at),
    }


def _cursor(item: Mapping[str, Any]) -> ListCursor:
    """Return the cursor at an item of the index; its keys are strings, or it wouldn't be there."""
    return ListCursor(item[CREATED_AT]["S"], item[PARTITION_KEY]["S"], item[SORT_KEY]["S"])


def _listed_job(item: Mapping[str, Any]) -> ListedJob:
    fields = Fields(item)
    if fields.text("item") != JOB:
        raise fields.malformed("item")
    return ListedJob(
        job_id=fields.text("job_id", JOB_ID),
        status=status_in(fields),
        created_at=fields.timestamp("created_at"),
        items=fields.whole("items", MAX_ITEMS, least=1),
        tasks=fields.whole("tasks", MAX_ITEMS),
        finished_at=fields.timestamp("finished_at") if fields.has("finished_at") else None,
    )
