"""Lambda: the resource policy of a function, which says who may invoke it.

Its statements are ours when they let one service in for one source, and have the id that comes from
that source's ARN. All others were added by other hands.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from batchctl.aws.errors import ignore_missing
from batchctl.aws.session import Aws

_OURS = "batchctl-"
# Changes of one function's policy at the same time can lose a statement, without an error (so
# Terraform's provider, which takes them one by one as well). Other processes are kept apart by the
# lock on the state.
_LOCKS: dict[str, threading.Lock] = {}


def lock(function_name: str) -> threading.Lock:
    """Return the lock that a change of the function's policy takes."""
    return _LOCKS.setdefault(function_name, threading.Lock())


def read(aws: Aws, function_name: str) -> Sequence[Mapping[str, Any]]:
    """Return the statements of a function's policy; none when it has none, or is gone."""
    with ignore_missing():
        policy = aws.awslambda.get_policy(FunctionName=function_name)["Policy"]
        statements: list[Mapping[str, Any]] = json.loads(policy)["Statement"]
        return statements
    return []


def foreign(aws: Aws, function_name: str) -> dict[str, Any]:
    """Return the statements that are not of ours, by their ids."""
    return {
        str(each.get("Sid")): {key: each[key] for key in each if key not in {"Sid", "Resource"}}
        for each in read(aws, function_name)
        if not _is_ours(aws, each)
    }


def remove(aws: Aws, function_name: str, statement_id: str) -> None:
    """Remove a statement; quiet when it is gone."""
    with ignore_missing():
        aws.awslambda.remove_permission(FunctionName=function_name, StatementId=statement_id)


def statement_id(source_arn: str) -> str:
    """Return the id of our statement for a source, within Lambda's 100 characters (AddPermission).

    A source that was made again needs another statement, and the old one differs only in that ARN.
    """
    return f"{_OURS}{hashlib.sha256(source_arn.encode()).hexdigest()[:40]}"


def principal_of(statement: Mapping[str, Any]) -> Any:
    """Return the service of a statement as AddPermission takes it, or whoever else it lets in."""
    principal = statement.get("Principal", {})
    return principal.get("Service") if isinstance(principal, dict) else principal


def sources_of(statement: Mapping[str, Any]) -> list[Any]:
    """Return the ARNs for which alone a statement lets somebody in."""
    return [
        value
        for each in statement.get("Condition", {}).values()
        for key, value in each.items()
        if key.lower() == "aws:sourcearn"
    ]


def _is_ours(aws: Aws, statement: Mapping[str, Any]) -> bool:
    """Whether a statement is one that a Permission makes, or would repair.

    One with an id of ours that lets in another account's source is not.
    """
    sid, sources = str(statement.get("Sid", "")), sources_of(statement)
    of_account = all(str(source).split(":")[4:5] == [aws.account] for source in sources)
    return sid.startswith(_OURS) and len(sources) == 1 and of_account
