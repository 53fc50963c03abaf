"""The results in the table: pages of them for readers, and how many say SUCCEEDED."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Never

from handlers.record import RESULT_PREFIX, Status, Tally, key, text

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, QueryOutputTypeDef

MAX_PAGE_BYTES = 900_000
"""What results may take of an answer: a load balancer lets 1 MB of it through, and the body is a
string in it (Elastic Load Balancing User Guide, "Use Lambda functions as targets")."""

SMALL = ("status", "reason", "exit_code", "attempts", "seconds")


@dataclass(frozen=True)
class Page:
    """Results by item, in the order of the table; `next` is the item after which more begins."""

    results: dict[str, dict[str, object]]
    next: str | None


@dataclass(frozen=True)
class Results:
    """The results in one table. `clock` gives seconds of any beginning."""

    client: DynamoDBClient
    table: str
    clock: Callable[[], float]

    def page(self, job_id: str, limit: int, after: str | None) -> Page:
        """Give up to `limit` results that come after the item `after`: fewer when they are big."""
        answer = self._query(job_id, after, Limit=limit + 1)
        items, results, size = answer["Items"], dict[str, dict[str, object]](), 0
        for item in items[:limit]:
            name, entry = _item(item), _fitting(_item(item), _entry(item))
            size += _size(name, entry)
            if size > MAX_PAGE_BYTES:
                break
            results[name] = entry
        more = len(results) < len(items) or "LastEvaluatedKey" in answer
        return Page(results, next(reversed(results)) if more and results else None)

    def tally(self, job_id: str, start: Tally | None, deadline: float) -> Tally:
        """Count the results, and those that say SUCCEEDED, from `start` on, until the deadline.

        The deadline is one of the clock. When the count isn't complete, the next call goes on.
        """
        tally = start or Tally(after="", succeeded=0)
        while not tally.complete:
            answer = self._query(job_id, tally.after or None, Select="COUNT", **_succeeded_only())
            last = answer.get("LastEvaluatedKey")
            tally = Tally(
                after=last["item"]["S"].removeprefix(RESULT_PREFIX) if last else tally.after,
                succeeded=tally.succeeded + answer["Count"],
                # What the filter leaves out is read all the same, and counted as scanned.
                recorded=tally.recorded + answer["ScannedCount"],
                complete=last is None,
            )
            if self.clock() >= deadline:
                break
        return tally

    def statuses(self, job_id: str) -> Iterator[tuple[str, str]]:
        """Give each item that has a result, with the status that the result says."""
        names = {"ExpressionAttributeNames": {"#status": "status"}}
        after: str | None = None
        while True:
            answer = self._query(job_id, after, ProjectionExpression="#item, #status", **names)
            yield from ((_item(item), item["status"]["S"]) for item in answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            after = answer["LastEvaluatedKey"]["item"]["S"].removeprefix(RESULT_PREFIX)

    def succeeded(self, job_id: str) -> Iterator[str]:
        """Give the items that have a result that says SUCCEEDED."""
        return (item for item, status in self.statuses(job_id) if status == Status.SUCCEEDED)

    def _query(self, job_id: str, after: str | None, **more: Any) -> QueryOutputTypeDef:
        """Query results as of now: a reader who is told SUCCEEDED must find them all."""
        names = {"#item": "item", **more.pop("ExpressionAttributeNames", {})}
        values = {":job_id": text(job_id), ":prefix": text(RESULT_PREFIX)}
        if after is not None:
            more["ExclusiveStartKey"] = key(job_id, RESULT_PREFIX + after)
        return self.client.query(
            TableName=self.table,
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
        "ExpressionAttributeValues": {":succeeded": text(Status.SUCCEEDED)},
    }


def _item(item: dict[str, AttributeValueTypeDef]) -> str:
    return item["item"]["S"].removeprefix(RESULT_PREFIX)


def _entry(item: dict[str, AttributeValueTypeDef]) -> dict[str, object]:
    """Give a result as readers see it."""
    entry: dict[str, object] = {"status": item["status"]["S"]}
    if "result" in item:
        entry["result"] = _json(item["result"]["S"])
    entry |= {name: item[name]["S"] for name in ("error", "reason") if name in item}
    if "exit_code" in item:
        entry["exit_code"] = int(item["exit_code"]["N"])
    if "attempts" in item:
        entry["attempts"] = int(item["attempts"]["N"])
    if "seconds" in item:
        entry["seconds"] = float(item["seconds"]["N"])
    return entry


def _json(value: str) -> object:
    """Parse a result; one that isn't JSON (written by another image) is given as it stands."""
    try:
        return json.loads(value, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return value


def _no_constant(name: str) -> Never:
    raise ValueError(name)


def _fitting(item: str, entry: dict[str, object]) -> dict[str, object]:
    """Replace a result that no answer can carry, so that a page has one result at least."""
    if _size(item, entry) <= MAX_PAGE_BYTES:
        return entry
    kept = {name: entry[name] for name in SMALL if name in entry}
    return kept | {"error": "too large for an answer: read it from the job table"}


def _size(item: str, entry: dict[str, object]) -> int:
    """Give the bytes that a result takes in the function's answer, a string of JSON within JSON."""
    return len(json.dumps(json.dumps({item: entry})))
