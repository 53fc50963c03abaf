"""The origin of a stack: an id of its own, when it was made and by whom, one line in its mark.

It stays as long as the stack does. Two stacks of one name in one account and region are told apart
by it, whoever has lost which state.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from batchctl.aws.session import Aws
from batchctl.aws.tags import ORIGIN_TAG, STACK_TAG
from batchctl.engine.plan import OnWait, Plan, ignore_waits, make_plan
from batchctl.engine.state import State
from batchctl.errors import UsageError
from batchctl.resource import Resource, said_of_origin

LONGEST = 200
"""A tag's value has at most 256 characters in every service."""
# What every service takes in a tag (DynamoDB developer guide, "Tagging restrictions in DynamoDB").
_NOT_IN_TAGS = re.compile(r"[^A-Za-z0-9 +\-=._:/]")


def new_origin(aws: Aws) -> str:
    """Return the origin of a stack that is made now, by the caller of these credentials."""
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    aws.account  # noqa: B018 - asks for it, and for the caller
    caller = (aws.caller or "").split(":", 5)[-1]
    by = _NOT_IN_TAGS.sub("_", caller)
    return f"{secrets.token_hex(4)} {at} {by}"[:LONGEST].strip()


def origin_of(state: State, aws: Aws, planned: str | None = None) -> str | None:
    """Return the origin of what is recorded; None where nothing is: it isn't known yet.

    What an older version recorded gets one now: the one that was planned, or else a new one.
    """
    return (state.origin or planned or new_origin(aws)) if state.is_used else None


def plan_of_origin(  # noqa: PLR0913, PLR0917 - as `make_plan`, and the origin
    stack: Sequence[Resource[Any]],
    state: State,
    aws: Aws,
    on_wait: OnWait = ignore_waits,
    planned: str | None = None,
    shows_rest: bool = False,
) -> Plan:
    """Return the plan of `up`, with `aws.origin` as it is recorded, or else as it was found.

    Where nothing has the stack's name it stays None: the stack gets one when it is made.
    """
    aws.origin = origin_of(state, aws, planned)
    made = make_plan(stack, state, aws, on_wait, shows_rest=shows_rest)
    found = adopted(made) if aws.origin is None else ()
    if found:
        aws.origin = origin_found(made) or new_origin(aws)
        if lacks_origin(made, found):
            return make_plan(stack, state, aws, on_wait, shows_rest=shows_rest)
    return made


def origin_found(plan: Plan) -> str | None:
    """Return the origin of what a plan found without a record; None where no mark has one.

    UsageError when there are several: no one of them may be taken for another's.
    """
    found: dict[str, str] = {}
    for address in adopted(plan):
        actual = plan.actual.get(address)
        origin = actual.tags.get(ORIGIN_TAG) if actual else None
        if origin:
            found.setdefault(origin, address)
    if len(found) > 1:
        parts = (f"`{address}` was {said_of_origin(each)}" for each, address in found.items())
        raise UsageError(
            f"could not tell whose what has this name is: {'; '.join(parts)}",
            hint="give this stack a name of its own (`name` in config.yaml)",
        )
    return next(iter(found), None)


def lacks_origin(plan: Plan, addresses: Iterable[str]) -> bool:
    """Whether the mark of any of these resources says no origin, as older versions left it."""
    marks = (actual.tags for each in addresses if (actual := plan.actual.get(each)))
    return any(STACK_TAG in each and ORIGIN_TAG not in each for each in marks)


def adopted(plan: Plan) -> tuple[str, ...]:
    """Return the addresses of what was found in AWS and isn't recorded."""
    return tuple(step.address for step in plan.steps if step.adopted)
