"""The results in the table: pages of them for readers, and how many say SUCCEEDED."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from handlers import strict_json
from handlers.malformed import Fields, well_formed
from handlers.record import LONGEST_S, MOST_COUNTED, RESULT_PREFIX, Status, Tally, key, text

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import QueryOutputTypeDef

MAX_PAGE_BYTES = 900_000
"""What results may take of an answer: a load balancer lets 1 MB of it through, and the body is a
string in it (Elastic Load Balancing User Guide, "Use Lambda functions as targets")."""

MAX_DEPTH = 60
"""Parsers stop at some depth, .NET's at 64 levels by default, Ruby's at 100: an answer has three
around a result. The container refuses what is deeper; a deeper one is given as its text."""

MOST_QUERIES = 5
"""So many pages of the table are read, at most, for one page that has a result."""

RESULT_STATUSES = (Status.SUCCEEDED, Status.FAILED)
REASON = re.compile(r"[A-Z_]{1,40}")
EXIT_CODES = 2**32
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
        for _ in range(MOST_QUERIES):
            page = self._page(job_id, limit, after)
            after = page.next
            if page.results or after is None:
                break
        return page

    def _page(self, job_id: str, limit: int, after: str | None) -> Page:
        answer = self._query(job_id, after, Limit=limit + 1)
        items, results, size = answer["Items"], dict[str, dict[str, object]](), 0
        last = _item(items[:limit][-1]) if items else None
        for name, entry in well_formed(items[:limit], _named_entry):
            size += _size(name, entry)
            if size > MAX_PAGE_BYTES:
                return Page(results, next(reversed(results)))
            results[name] = entry
        more = len(items) > limit or "LastEvaluatedKey" in answer
        return Page(results, last if more else None)

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

    def statuses(self, job_id: str) -> Iterator[tuple[str, str | None]]:
        """Give each item that has a result, with the status that it says; `None` for nonsense."""
        names = {"ExpressionAttributeNames": {"#status": "status"}}
        after: str | None = None
        while True:
            answer = self._query(job_id, after, ProjectionExpression="#item, #status", **names)
            yield from ((_item(item), _status(item)) for item in answer["Items"])
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


def _item(item: Mapping[str, Any]) -> str:
    """Give the item that a result is of: it is in the key, which is a string."""
    return str(item["item"]["S"]).removeprefix(RESULT_PREFIX)


def _status(item: Mapping[str, Any]) -> str | None:
    return next(well_formed([item], lambda each: _known_status(Fields(each))), None)


def _known_status(fields: Fields) -> str:
    status = fields.text("status")
    if status not in RESULT_STATUSES:
        raise fields.malformed("status")
    return status


def _named_entry(item: Mapping[str, Any]) -> tuple[str, dict[str, object]]:
    name = _item(item)
    return name, _fitting(name, _entry(Fields(item)))


def _entry(fields: Fields) -> dict[str, object]:
    """Give a result as readers see it; raises MalformedItemError."""
    entry: dict[str, object] = {"status": _known_status(fields)}
    if fields.has("result"):
        entry["result"] = _json(fields.text("result"))
    if fields.has("error"):
        entry["error"] = fields.text("error")
    if fields.has("reason"):
        entry["reason"] = fields.text("reason", REASON)
    if fields.has("exit_code"):
        entry["exit_code"] = fields.whole("exit_code", EXIT_CODES, least=-EXIT_CODES)
    if fields.has("attempts"):
        entry["attempts"] = fields.whole("attempts", MOST_COUNTED)
    if fields.has("seconds"):
        entry["seconds"] = fields.decimal("seconds", LONGEST_S)
    return entry


def _json(value: str) -> object:
    """Parse a result; what isn't JSON (written by another image), or too deep, stays a string."""
    try:
        parsed = strict_json.loads(value)
    except (ValueError, RecursionError):
        return value
    is_json = strict_json.is_within(parsed, MAX_DEPTH) and _is_finite(parsed)
    return parsed if is_json else value


def _is_finite(value: object) -> bool:
    """Tell whether JSON can hold all the numbers again: `1e999` is read as infinity."""
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
    """Give the bytes that a result takes in the function's answer, a string of JSON within JSON."""
    return len(json.dumps(json.dumps({item: entry})))
