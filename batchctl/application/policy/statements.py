"""What is granted for a purpose: statements, scoped by the stack's names and marks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from batchctl.application.grants import GRANTS as BESIDE
from batchctl.application.grants import STATE
from batchctl.application.job_grants import DOOR
from batchctl.application.job_grants import GRANTS as OF_JOBS
from batchctl.resource import Resource
from batchctl.resource.grants import ANY, Condition, Grant

VERSION = "2012-10-17"
LONGEST_MANAGED = 6144
"""IAM user guide, "IAM and AWS STS quotas": characters of a managed policy but white space."""


class Purpose(StrEnum):
    """What somebody is to do with the stack."""

    ALL = "all"
    UP = "up"
    DOWN = "down"
    JOBS = "jobs"
    READ = "read"
    CI = "ci"
    MAP = "map"


_COMMANDS: Mapping[Purpose, frozenset[str]] = {
    Purpose.ALL: frozenset({"read", "up", "down", "jobs", "map"}),
    Purpose.UP: frozenset({"up"}),
    Purpose.DOWN: frozenset({"down"}),
    Purpose.JOBS: frozenset({"jobs"}),
    Purpose.READ: frozenset({"read"}),
    Purpose.CI: frozenset({"read", "up", "jobs"}),
    Purpose.MAP: frozenset({"jobs", "map"}),
}


@dataclass(frozen=True)
class Names:
    """What ARNs are made of; `account` and `api` may be `*`, where they aren't known."""

    partition: str
    region: str
    account: str
    stack: str
    path: str
    ec2: str
    api: str = "*"
    state: str = ""

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of what a grant is on, `*` as it stands."""
        named = resource.format(**vars(self))
        if named == "*" or named.startswith("arn:"):
            return named
        region = "" if service == "iam" else self.region
        account = "" if service == "apigateway" else self.account
        return f"arn:{self.partition}:{service}:{region}:{account}:{named}"


def statements(
    stack: Iterable[Resource[Any]], names: Names, purpose: Purpose
) -> list[dict[str, Any]]:
    """Return the statements that allow what `purpose` needs with this stack, and no more.

    What is on the same resources under the same conditions is one statement; all that knows no
    resource is one, too.
    """
    commands, found = _COMMANDS[purpose], dict[str, dict[str, Any]]()
    for grant in _granted(list(stack)):
        if not commands & {*grant.commands.split()} or (grant.when == STATE and not names.state):
            continue
        resources = sorted(names.arn(grant.service, each) for each in grant.on)
        condition = _named(grant.condition, names)
        service = "" if grant.on == ANY and not condition else grant.service
        key = json.dumps([service, resources, condition], sort_keys=True)
        statement = found.setdefault(
            key,
            {
                "Sid": service or "KnowNoResource",
                "Effect": "Allow",
                "Action": [],
                "Resource": resources,
                **({"Condition": condition} if condition else {}),
            },
        )
        statement["Action"] = sorted({*statement["Action"], *grant.full_actions})
    return list(_numbered(sorted(found.values(), key=lambda each: str(each["Sid"]))))


def _granted(stack: Sequence[Resource[Any]]) -> Iterator[Grant]:
    for resource in stack:
        yield from (
            each
            for each in type(resource).grants
            if not each.when or getattr(resource, each.when, None)
        )
    signed = any(getattr(each, "signed", False) for each in stack)
    yield from (each for each in OF_JOBS if each.when != DOOR or signed)
    yield from BESIDE


def _named(condition: Condition, names: Names) -> dict[str, dict[str, list[str]]]:
    return {
        operator: {
            key: [value.format(**vars(names)) for value in values] for key, values in keys.items()
        }
        for operator, keys in condition.items()
    }


def _numbered(found: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the statements with ids of their own: Sqs, Ec21, Ec22."""
    names = [each["Sid"] for each in found]
    seen: dict[str, int] = {}
    for each in found:
        name = each["Sid"]
        seen[name] = seen.get(name, 0) + 1
        title = "".join(part.capitalize() for part in name.split("-")) if name.islower() else name
        yield {**each, "Sid": title if names.count(name) == 1 else f"{title}No{seen[name]}"}


def document(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a policy of these statements."""
    return {"Version": VERSION, "Statement": list(found)}


def length(policy: Mapping[str, Any]) -> int:
    """Return the characters that IAM counts: all but white space."""
    return len("".join(json.dumps(policy).split()))


def split(
    found: Sequence[Mapping[str, Any]], longest: int = LONGEST_MANAGED
) -> list[list[Mapping[str, Any]]]:
    """Return the statements in as many parts as it takes for each to be a managed policy."""
    parts: list[list[Mapping[str, Any]]] = [[]]
    for each in found:
        if parts[-1] and length(document([*parts[-1], each])) > longest:
            parts.append([])
        parts[-1].append(each)
    return parts
