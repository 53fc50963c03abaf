"""DynamoDB in memory, as far as functions and runner use it: fast enough for thousands of lives.

Expressions are read as DynamoDB reads them, in the few forms that ours have (DynamoDB developer
guide, "Condition and filter expressions"). Queries give small pages: nobody may take one for all.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

PAGE = 4
TOKEN = re.compile(r"<>|<=|>=|[=<>(),]|[:#\w]+")


class ConditionalCheckFailedException(Exception):
    """A condition doesn't hold."""


class Exceptions:
    """What `client.exceptions` has."""

    ConditionalCheckFailedException = ConditionalCheckFailedException


@dataclass
class MemoryDynamoDB:
    """A client, and its one table: items by partition key and sort key."""

    items: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    exceptions = Exceptions

    def get_item(self, **request: Any) -> dict[str, Any]:
        found = self.items.get(_key(request["Key"]))
        return {} if found is None else {"Item": _projected(found, request)}

    def put_item(self, **request: Any) -> dict[str, Any]:
        at = _key(request["Item"])
        self._check(self.items.get(at), request)
        self.items[at] = copy.deepcopy(request["Item"])
        return {}

    def update_item(self, **request: Any) -> dict[str, Any]:
        at = _key(request["Key"])
        before = self.items.get(at)
        self._check(before, request)
        after = copy.deepcopy(before) if before is not None else dict(request["Key"])
        _update(after, request)
        self.items[at] = after
        returned = {"ALL_OLD": before or {}, "ALL_NEW": after, "NONE": {}}
        return {"Attributes": copy.deepcopy(returned[request.get("ReturnValues", "NONE")])}

    def batch_get_item(self, **request: Any) -> dict[str, Any]:
        ((table, wanted),) = request["RequestItems"].items()
        assert 0 < len(wanted["Keys"]) <= 100
        keys = [_key(each) for each in wanted["Keys"]]
        assert len(set(keys)) == len(keys)
        found = [_projected(self.items[each], wanted) for each in keys if each in self.items]
        return {"Responses": {table: found}, "UnprocessedKeys": {}}

    def batch_write_item(self, **request: Any) -> dict[str, Any]:
        ((_, requests),) = request["RequestItems"].items()
        assert 0 < len(requests) <= 25
        for each in requests:
            if "PutRequest" in each:
                self.put_item(**each["PutRequest"])
            else:
                self.items.pop(_key(each["DeleteRequest"]["Key"]), None)
        return {"UnprocessedItems": {}}

    def query(self, **request: Any) -> dict[str, Any]:
        condition = request["KeyConditionExpression"]
        names = ("listing", "created_at") if "IndexName" in request else ("job_id", "item")
        found = sorted(
            (
                item
                for item in list(self.items.values())
                if all(name in item for name in names) and _holds(condition, item, request)
            ),
            key=lambda item: [item[name]["S"] for name in names],
            reverse=not request.get("ScanIndexForward", True),
        )
        if (start := request.get("ExclusiveStartKey")) is not None:
            found = [each for each in found if each["item"]["S"] > start["item"]["S"]]
        limit = min(PAGE, request.get("Limit", PAGE))
        page = found[:limit]
        wanted = [
            item
            for item in page
            if "FilterExpression" not in request
            or _holds(request["FilterExpression"], item, request)
        ]
        answer: dict[str, Any] = {
            "Items": [_projected(item, request) for item in wanted],
            "ScannedCount": len(page),
            "Count": len(wanted),
        }
        if len(found) > limit:
            answer["LastEvaluatedKey"] = {name: page[-1][name] for name in ("job_id", "item")}
        return answer

    def get_paginator(self, operation: str) -> Pages:
        assert operation == "query"
        return Pages(self.query)

    def _check(self, item: dict[str, Any] | None, request: dict[str, Any]) -> None:
        if "ConditionExpression" not in request:
            return
        if not _holds(request["ConditionExpression"], item or {}, request):
            raise ConditionalCheckFailedException


@dataclass
class Pages:
    """A paginator of queries."""

    query: Callable[..., dict[str, Any]]

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        while True:
            answer = self.query(**request)
            yield answer
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def _key(item: dict[str, Any]) -> tuple[str, str]:
    return item["job_id"]["S"], item["item"]["S"]


def _names(request: dict[str, Any]) -> dict[str, str]:
    names: dict[str, str] = request.get("ExpressionAttributeNames", {})
    return names


def _projected(item: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    if "ProjectionExpression" not in request:
        return copy.deepcopy(item)
    asked = [name.strip() for name in request["ProjectionExpression"].split(",")]
    names = [_names(request).get(name, name) for name in asked]
    return {name: copy.deepcopy(item[name]) for name in names if name in item}


def _update(item: dict[str, Any], request: dict[str, Any]) -> None:
    sets, _, removes = request["UpdateExpression"].partition("REMOVE ")
    names, values = _names(request), request.get("ExpressionAttributeValues", {})
    for name, value in re.findall(r"(#\w+) = (:\w+)", sets):
        item[names[name]] = copy.deepcopy(values[value])
    for name in re.findall(r"#\w+", removes):
        item.pop(names[name], None)


def _holds(expression: str, item: dict[str, Any], request: dict[str, Any]) -> bool:
    values = request.get("ExpressionAttributeValues", {})
    return Reading(TOKEN.findall(expression), item, _names(request), values).holds()


@dataclass
class Reading:
    """An expression that is being read about an item: NOT goes before AND, AND before OR."""

    tokens: list[str]
    item: dict[str, Any]
    names: dict[str, str]
    values: dict[str, Any]

    def holds(self) -> bool:
        found = self._either()
        assert not self.tokens, self.tokens
        return found

    def _either(self) -> bool:
        found = self._all()
        while self._next_is("OR"):
            found = self._all() or found
        return found

    def _all(self) -> bool:
        found = self._one()
        while self._next_is("AND"):
            found = self._one() and found
        return found

    def _one(self) -> bool:
        if self._next_is("NOT"):
            return not self._one()
        if self._next_is("("):
            found = self._either()
            self._take(")")
            return found
        word = self.tokens.pop(0)
        if word in ("attribute_exists", "attribute_not_exists"):
            (value,) = self._arguments()
            return (value is not None) == (word == "attribute_exists")
        if word == "begins_with":
            value, prefix = self._arguments()
            return value is not None and value["S"].startswith(prefix["S"])
        return self._compared(self._operand(word), self.tokens.pop(0))

    def _compared(self, value: Any, operator: str) -> bool:
        if operator == "BETWEEN":
            low = self._operand(self.tokens.pop(0))
            self._take("AND")
            high = self._operand(self.tokens.pop(0))
            return value is not None and _plain(low) <= _plain(value) <= _plain(high)
        if operator == "IN":
            return value in self._arguments()
        other = self._operand(self.tokens.pop(0))
        if operator in ("=", "<>"):
            is_equal = value is not None and _plain(value) == _plain(other)
            return is_equal == (operator == "=")
        assert operator == "<", operator
        return bool(value is not None and _plain(value) < _plain(other))

    def _arguments(self) -> list[Any]:
        self._take("(")
        found = [self._operand(self.tokens.pop(0))]
        while self._next_is(","):
            found.append(self._operand(self.tokens.pop(0)))
        self._take(")")
        return found

    def _operand(self, word: str) -> Any:
        if word.startswith(":"):
            return self.values[word]
        return self.item.get(self.names[word] if word.startswith("#") else word)

    def _next_is(self, word: str) -> bool:
        if not self.tokens or self.tokens[0] != word:
            return False
        self.tokens.pop(0)
        return True

    def _take(self, word: str) -> None:
        assert self._next_is(word), (word, self.tokens)


def _plain(value: dict[str, Any]) -> Any:
    ((kind, content),) = value.items()
    return Decimal(content) if kind == "N" else content
