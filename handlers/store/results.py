"""The results in the table: pages of them for readers, how many say SUCCEEDED, and missing ones.

Those of a job lie under a partition key of their own: `JobRecord.results_partition` names it.
"""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from batchctl.contract import result_record, strict_json
from batchctl.contract.fields import Fields, MalformedItemError
from batchctl.contract.job_record import JobRecord, Tally, reason_in
from batchctl.contract.limits import MAX_RESULT_DEPTH
from batchctl.contract.reasons import Reason
from batchctl.contract.result_record import ResultRecord
from batchctl.contract.retention import items_expiry
from batchctl.contract.statuses import ItemStatus
from batchctl.contract.table import RESULT_PREFIX, SORT_KEY, item_of, key, result_key, text
from handlers.store.batch_write import MAX_ROUNDS, BatchWriter, WriteRefusedError
from handlers.store.malformed import well_formed
from handlers.store.table import Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import QueryOutputTypeDef

MAX_PAGE_BYTES = 900_000
"""What results may take of an answer: a load balancer lets 1 MB of it through, and the body is a
string in it (Elastic Load Balancing User Guide, "Use Lambda functions as targets")."""

MAX_QUERIES = 5
"""So many pages of the table are read, at most, for one page that has a result."""

KEYS_PER_CALL = 100
"""Keys of one BatchGetItem (DynamoDB API reference, BatchGetItem)."""

SMALL = (
    "status",
    "reason",
    "exit_code",
    "attempts",
    "seconds",
    "peak_memory_mib",
    "signal",
)


@dataclass(frozen=True)
class Page:
    """Results by item, in the order of the table; `next` is the item after which more begins."""

    results: dict[str, dict[str, object]]
    next: str | None


@dataclass(frozen=True)
class End:
    """How an item ended, as its result says; `status` is `None` where that is nonsense."""

    status: ItemStatus | None
    reason: Reason | None = None
    in_hand: bool = False

    @property
    def has_succeeded(self) -> bool:
        """Whether it is a success."""
        return self.status is ItemStatus.SUCCEEDED


@dataclass(frozen=True)
class Results:
    """The results in one table."""

    table: Table

    def page(self, partition: str, limit: int, after: str | None) -> Page:
        """Return up to `limit` results after the item `after`: fewer when they are big."""
        for _ in range(MAX_QUERIES):
            page = self._page(partition, limit, after)
            after = page.next
            if page.results or after is None:
                break
        return page

    def _page(self, partition: str, limit: int, after: str | None) -> Page:
        answer = self._query(partition, after, Limit=limit + 1)
        items, results, size = answer["Items"], dict[str, dict[str, object]](), 0
        last = _item(items[:limit][-1]) if items else None
        for name, entry in well_formed(items[:limit], _named):
            size += entry_bytes(name, entry)
            if size > MAX_PAGE_BYTES:
                return Page(results, next(reversed(results)))
            results[name] = entry
        more = len(items) > limit or "LastEvaluatedKey" in answer
        return Page(results, last if more else None)

    def tally(self, partition: str, start: Tally | None, deadline: float) -> Tally:
        """Count the results, and those that say SUCCEEDED, from `start` on, until the deadline.

        The deadline is by the monotonic clock. When the count isn't complete, the next call
        goes on.
        """
        tally = start or Tally(after="", succeeded=0)
        while not tally.complete:
            answer = self._query(partition, tally.after or None, **_all_but_succeeded())
            last = answer.get("LastEvaluatedKey")
            # What the filter leaves out is read all the same, and counted as scanned.
            read = answer["ScannedCount"]
            tally = Tally(
                after=_item(last) if last else tally.after,
                succeeded=tally.succeeded + read - len(answer["Items"]),
                recorded=tally.recorded + read,
                complete=last is None,
                failures=Counter(tally.failures) + Counter(map(_reason, answer["Items"])),
            )
            if self.table.monotonic() >= deadline:
                break
        return tally

    def ends(self, partition: str) -> Iterator[tuple[str, End]]:
        """Return each item that has a result, and how that says it ended."""
        after: str | None = None
        while True:
            answer = self._query(partition, after, **_ends_only())
            yield from ((_item(item), _end(item)) for item in answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            after = _item(answer["LastEvaluatedKey"])

    def succeeded(self, partition: str) -> Iterator[str]:
        """Return the items that have a result that says SUCCEEDED."""
        return (item for item, end in self.ends(partition) if end.has_succeeded)

    def ends_of(self, partition: str, items: Sequence[str]) -> dict[str, End]:
        """Return how those of up to 100 items ended that have a result as of now.

        Raises WriteRefusedError when DynamoDB throttles without end.
        """
        return {_item(found): _end(found) for found in self._existing(partition, items)}

    def of_items(self, partition: str, items: Sequence[str]) -> dict[str, dict[str, object]]:
        """Return the results of those of up to 100 items that have one, as clients see them.

        Raises WriteRefusedError when DynamoDB throttles without end.
        """
        return dict(well_formed(self._existing(partition, items, {}), _named))

    def put_missing(self, job: JobRecord, record: ResultRecord) -> None:
        """Put the result of an item of a job, unless it has got one meanwhile."""
        client = self.table.client
        try:
            client.put_item(
                TableName=self.table.name,
                Item=record.as_item(job.results_partition, items_expiry(job.expires_at)),
                ConditionExpression="attribute_not_exists(job_id)",
            )
        except client.exceptions.ConditionalCheckFailedException:
            return

    def delete(self, partition: str, items: Sequence[str]) -> None:
        """Delete the results of items, each of which is named once (BatchWriteItem demands it)."""
        BatchWriter(self.table).write(
            len(items),
            lambda number: {"DeleteRequest": {"Key": key(partition, result_key(items[number]))}},
        )

    def _existing(
        self, partition: str, items: Iterable[str], shape: Mapping[str, Any] | None = None
    ) -> Iterator[Mapping[str, Any]]:
        """Yield how those of up to 100 items ended that have a result, as records of the table."""
        shape = _ends_only() if shape is None else shape
        # Each once, as BatchGetItem takes it (DynamoDB API reference).
        keys: Any = [key(partition, name) for name in {result_key(item) for item in items}]
        for round_ in range(MAX_ROUNDS):
            request: Any = {"Keys": keys, "ConsistentRead": True, **shape}
            answer = self.table.client.batch_get_item(RequestItems={self.table.name: request})
            found = answer["Responses"].get(self.table.name, [])
            yield from found
            unprocessed: Any = answer.get("UnprocessedKeys", {})
            if not (keys := unprocessed.get(self.table.name, {}).get("Keys", [])):
                return
            # Jitter is no secret: the readers must only not come back all at once.
            self.table.sleep(random.uniform(0, min(1.0, 0.05 * 2**round_)))  # noqa: S311
        raise WriteRefusedError

    def _query(self, partition: str, after: str | None, **more: Any) -> QueryOutputTypeDef:
        """Query results as of now: who reads SUCCEEDED must find them all."""
        names = {"#item": "item", **more.pop("ExpressionAttributeNames", {})}
        values = {":job_id": text(partition), ":prefix": text(RESULT_PREFIX)}
        if after is not None:
            more["ExclusiveStartKey"] = key(partition, result_key(after))
        return self.table.client.query(
            TableName=self.table.name,
            KeyConditionExpression="job_id = :job_id AND begins_with(#item, :prefix)",
            ExpressionAttributeNames=names,
            ExpressionAttributeValues={**values, **more.pop("ExpressionAttributeValues", {})},
            ConsistentRead=True,
            **more,
        )


def _ends_only() -> dict[str, Any]:
    return {
        "ProjectionExpression": "#item, #status, #reason, in_hand",
        "ExpressionAttributeNames": {
            "#item": SORT_KEY,
            "#status": "status",
            "#reason": "reason",
        },
    }


def _all_but_succeeded() -> dict[str, Any]:
    return {
        # One without a status isn't equal to anything.
        "FilterExpression": "NOT #status = :succeeded",
        "ExpressionAttributeValues": {":succeeded": text(ItemStatus.SUCCEEDED)},
        **_ends_only(),
    }


def _item(item: Mapping[str, Any]) -> str:
    """Return the item that a result is of: it is in the key, which is a string."""
    return item_of(item[SORT_KEY]["S"])


def _end(item: Mapping[str, Any]) -> End:
    status = next(well_formed([item], lambda each: result_record.status_in(Fields(each))), None)
    if status is ItemStatus.SUCCEEDED:
        return End(status)
    return End(status, _reason(item), item.get("in_hand", {}).get("BOOL") is True)


def _reason(item: Mapping[str, Any]) -> Reason:
    """Return why an item failed; UNKNOWN where its result doesn't say."""
    try:
        return reason_in(Fields(item))
    except MalformedItemError:
        return Reason.UNKNOWN


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
            peak_memory_mib=record.peak_memory_mib,
            signal=record.signal,
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
    if entry_bytes(item, entry) <= MAX_PAGE_BYTES:
        return entry
    kept = {name: entry[name] for name in SMALL if name in entry}
    return kept | {"error": "too large for an answer: read it from the job table"}


def entry_bytes(item: str, entry: dict[str, object]) -> int:
    """Return the bytes that a result takes in the answer, a string of JSON within JSON."""
    return len(json.dumps(json.dumps({item: entry})))
