"""The results in the table: pages of them for readers, how many say SUCCEEDED, and missing ones."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from batchctl.contract import result_record, strict_json
from batchctl.contract.fields import Fields
from batchctl.contract.job_record import JobRecord, Tally
from batchctl.contract.limits import MAX_RESULT_DEPTH
from batchctl.contract.result_record import ResultRecord
from batchctl.contract.retention import items_expiry
from batchctl.contract.statuses import ItemStatus
from batchctl.contract.table import RESULT_PREFIX, SORT_KEY, item_of, key, result_key, text
from handlers.store.batch_write import MAX_ROUNDS, BatchWriter, WriteRefusedError
from handlers.store.malformed import well_formed
from handlers.store.table import Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import KeysAndAttributesTypeDef, QueryOutputTypeDef

MAX_PAGE_BYTES = 900_000
"""What results may take of an answer: a load balancer lets 1 MB of it through, and the body is a
string in it (Elastic Load Balancing User Guide, "Use Lambda functions as targets")."""

MAX_QUERIES = 5
"""So many pages of the table are read, at most, for one page that has a result."""

KEYS_PER_CALL = 100
"""Keys of one BatchGetItem (DynamoDB API reference, BatchGetItem)."""

SMALL = ("status", "reason", "exit_code", "attempts", "seconds")


@dataclass(frozen=True)
class Page:
    """Results by item, in the order of the table; `next` is the item after which more begins."""

    results: dict[str, dict[str, object]]
    next: str | None


@dataclass(frozen=True)
class Results:
    """The results in one table."""

    table: Table

    def page(self, job_id: str, limit: int, after: str | None) -> Page:
        """Return up to `limit` results after the item `after`: fewer when they are big."""
        for _ in range(MAX_QUERIES):
            page = self._page(job_id, limit, after)
            after = page.next
            if page.results or after is None:
                break
        return page

    def _page(self, job_id: str, limit: int, after: str | None) -> Page:
        answer = self._query(job_id, after, Limit=limit + 1)
        items, results, size = answer["Items"], dict[str, dict[str, object]](), 0
        last = _item(items[:limit][-1]) if items else None
        for name, entry in well_formed(items[:limit], _named):
            size += _size(name, entry)
            if size > MAX_PAGE_BYTES:
                return Page(results, next(reversed(results)))
            results[name] = entry
        more = len(items) > limit or "LastEvaluatedKey" in answer
        return Page(results, last if more else None)

    def tally(self, job_id: str, start: Tally | None, deadline: float) -> Tally:
        """Count the results, and those that say SUCCEEDED, from `start` on, until the deadline.

        The deadline is by the monotonic clock. When the count isn't complete, the next call
        goes on.
        """
        tally = start or Tally(after="", succeeded=0)
        while not tally.complete:
            answer = self._query(job_id, tally.after or None, Select="COUNT", **_succeeded_only())
            last = answer.get("LastEvaluatedKey")
            tally = Tally(
                after=_item(last) if last else tally.after,
                succeeded=tally.succeeded + answer["Count"],
                # What the filter leaves out is read all the same, and counted as scanned.
                recorded=tally.recorded + answer["ScannedCount"],
                complete=last is None,
            )
            if self.table.monotonic() >= deadline:
                break
        return tally

    def statuses(self, job_id: str) -> Iterator[tuple[str, ItemStatus | None]]:
        """Return each item that has a result, with the status that it says; `None` for nonsense."""
        names = {"ExpressionAttributeNames": {"#status": "status"}}
        after: str | None = None
        while True:
            answer = self._query(job_id, after, ProjectionExpression="#item, #status", **names)
            yield from ((_item(item), _status(item)) for item in answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            after = _item(answer["LastEvaluatedKey"])

    def succeeded(self, job_id: str) -> Iterator[str]:
        """Return the items that have a result that says SUCCEEDED."""
        return (item for item, status in self.statuses(job_id) if status is ItemStatus.SUCCEEDED)

    def missing(self, job_id: str, items: Sequence[str]) -> list[str]:
        """Return those of the items that have no result as of now, in their order.

        Raises WriteRefusedError when DynamoDB throttles without end.
        """
        found = {item_of(name) for name in self._existing(job_id, items)}
        return [item for item in items if item not in found]

    def put_missing(self, job: JobRecord, record: ResultRecord) -> None:
        """Put the result of an item of a job, unless it has got one meanwhile."""
        client = self.table.client
        try:
            client.put_item(
                TableName=self.table.name,
                Item=record.as_item(job.job_id, items_expiry(job.expires_at)),
                ConditionExpression="attribute_not_exists(job_id)",
            )
        except client.exceptions.ConditionalCheckFailedException:
            return

    def delete(self, job_id: str, items: Sequence[str]) -> None:
        """Delete the results of items, each of which is named once (BatchWriteItem demands it)."""
        BatchWriter(self.table).write(
            len(items),
            lambda number: {"DeleteRequest": {"Key": key(job_id, result_key(items[number]))}},
        )

    def _existing(self, job_id: str, items: Iterable[str]) -> Iterator[str]:
        """Yield the sort keys of those results of up to 100 items that the table has."""
        # Each once, as BatchGetItem takes it (DynamoDB API reference).
        keys: Any = [key(job_id, name) for name in {result_key(item) for item in items}]
        for round_ in range(MAX_ROUNDS):
            request: KeysAndAttributesTypeDef = {
                "Keys": keys,
                "ConsistentRead": True,
                "ProjectionExpression": "#item",
                "ExpressionAttributeNames": {"#item": SORT_KEY},
            }
            answer = self.table.client.batch_get_item(RequestItems={self.table.name: request})
            found = answer["Responses"].get(self.table.name, [])
            yield from (item[SORT_KEY]["S"] for item in found)
            unprocessed: Any = answer.get("UnprocessedKeys", {})
            if not (keys := unprocessed.get(self.table.name, {}).get("Keys", [])):
                return
            # Jitter is no secret: the readers must only not come back all at once.
            self.table.sleep(random.uniform(0, min(1.0, 0.05 * 2**round_)))  # noqa: S311
        raise WriteRefusedError

    def _query(self, job_id: str, after: str | None, **more: Any) -> QueryOutputTypeDef:
        """Query results as of now: who reads SUCCEEDED must find them all."""
        names = {"#item": "item", **more.pop("ExpressionAttributeNames", {})}
        values = {":job_id": text(job_id), ":prefix": text(RESULT_PREFIX)}
        if after is not None:
            more["ExclusiveStartKey"] = key(job_id, result_key(after))
        return self.table.client.query(
            TableName=self.table.name,
            KeyConditionExpression="job_id = :job_id AND begins_with(#item, :prefix)",
            ExpressionAttributeNames=names,
            ExpressionAttributeValues={**values, **more.pop("ExpressionAttributeValues", {})},
            ConsistentRead=True,
            **more,
        )


def _succeeded_only() -> dict[str, Any]:
    return {
        "FilterExpression": "#status = :succeeded",
        "ExpressionAttributeNames": {"#status": "status"},
        "ExpressionAttributeValues": {":succeeded": text(ItemStatus.SUCCEEDED)},
    }


def _item(item: Mapping[str, Any]) -> str:
    """Return the item that a result is of: it is in the key, which is a string."""
    return item_of(item[SORT_KEY]["S"])


def _status(item: Mapping[str, Any]) -> ItemStatus | None:
    return next(well_formed([item], lambda each: result_record.status_in(Fields(each))), None)


def _named(item: Mapping[str, Any]) -> tuple[str, dict[str, object]]:
    record = result_record.from_item(item)
    return record.item, _fitting(record.item, _shown(record))


def _shown(record: ResultRecord) -> dict[str, object]:
    """Return a result as clients see it."""
    return {
        "status": record.status,
        **({} if record.result is None else {"result": _json(record.result)}),
        **_without_none(
            error=record.error,
            reason=record.reason,
            exit_code=record.exit_code,
            attempts=record.attempts,
            seconds=record.seconds,
        ),
    }


def _without_none(**values: object) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}


def _json(value: str) -> object:
    """Parse a result; what isn't JSON (written by another image), or too deep, stays a string."""
    try:
        parsed = strict_json.loads(value)
    except (ValueError, RecursionError):
        return value
    is_json = strict_json.is_within(parsed, MAX_RESULT_DEPTH) and _is_finite(parsed)
    return parsed if is_json else value


def _is_finite(value: object) -> bool:
    """Whether JSON can hold all the numbers again: `1e999` is read as infinity."""
    level = [value]
    while level:
        if any(isinstance(each, float) and not math.isfinite(each) for each in level):
            return False
        level = strict_json.inner_values(level)
    return True


def _fitting(item: str, entry: dict[str, object]) -> dict[str, object]:
    """Replace a result that no answer can carry, so that a page has one result at least."""
    if _size(item, entry) <= MAX_PAGE_BYTES:
        return entry
    kept = {name: entry[name] for name in SMALL if name in entry}
    return kept | {"error": "too large for an answer: read it from the job table"}


def _size(item: str, entry: dict[str, object]) -> int:
    """Return the bytes that a result takes in the answer, a string of JSON within JSON."""
    return len(json.dumps(json.dumps({item: entry})))
