"""What a DynamoDB request is held to by conditions on attributes, where MiniStack doesn't say.

It knows which attributes a read names, and not which ones a write does, nor what is in a batch.
Source: DynamoDB developer guide, "Using IAM policy conditions for fine-grained access control":
`dynamodb:Attributes` has the top-level attributes that a request names, keys included;
`dynamodb:LeadingKeys` the partition keys of its items.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from batchctl.contract.table import PARTITION_KEY

# DynamoDB developer guide, "Condition and filter expressions, operators, and functions".
_WORDS = frozenset({"AND", "OR", "NOT", "BETWEEN", "IN"})
_NAME = re.compile(r"(?<![:\w#.])(#?[A-Za-z_]\w*)(?!\w*\s*\()")


def condition_keys(body: bytes) -> dict[str, Any]:
    """Return the condition keys of a PutItem or BatchGetItem; none for any other request."""
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        return {}
    if not isinstance(request, dict):
        return {}
    if isinstance(request.get("Item"), dict):
        return _of_put(request)
    reads = request.get("RequestItems")
    if isinstance(reads, dict) and all(_is_read(each) for each in reads.values()):
        return _of_reads(reads)
    return {}


def _of_put(request: Mapping[str, Any]) -> dict[str, Any]:
    named = {*request["Item"], *_names(request, "ConditionExpression")}
    returned = request.get("ReturnValues", "NONE")
    return {
        "dynamodb:Attributes": sorted(named),
        "dynamodb:LeadingKeys": _leading_keys([request["Item"]]),
        "dynamodb:ReturnValues": returned,
    }


def _is_read(request: Any) -> bool:
    return isinstance(request, dict) and isinstance(request.get("Keys"), list)


def _of_reads(reads: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    named = {
        name
        for request in reads.values()
        for names in (*request["Keys"], _names(request, "ProjectionExpression"))
        for name in names
    }
    is_specific = all(request.get("ProjectionExpression") for request in reads.values())
    select = "SPECIFIC_ATTRIBUTES" if is_specific else "ALL_ATTRIBUTES"
    keys = [key for request in reads.values() for key in request["Keys"]]
    return {
        "dynamodb:Attributes": sorted(named),
        "dynamodb:LeadingKeys": _leading_keys(keys),
        "dynamodb:Select": select,
    }


def _leading_keys(items: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the partition keys of items: by the name that they have in the job table."""
    found = (item.get(PARTITION_KEY) for item in items)
    return sorted({str(key["S"]) for key in found if isinstance(key, dict) and "S" in key})


def _names(request: Mapping[str, Any], member: str) -> Iterator[str]:
    """Yield the top-level attributes that an expression names, placeholders resolved."""
    placeholders = request.get("ExpressionAttributeNames") or {}
    for name in _NAME.findall(str(request.get(member) or "")):
        if name.upper() not in _WORDS:
            yield placeholders.get(name, name)
