"""What is unhealthy: what keeps jobs from being taken, run or read, whatever the drift."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from urllib3.exceptions import HTTPError

from batchctl.engine.action import Action
from batchctl.engine.plan import Plan
from batchctl.engine.steps import Step
from batchctl.jobs.api.connection import Connection, cause_of
from batchctl.resource import Resource

if TYPE_CHECKING:
    from batchctl.config import Config

# The cheapest request that goes through front door, function and table.
LIST_ONE_JOB = "/v1/tasks?limit=1"
EVERYONE = "0.0.0.0/0"


def unhealthy_resources(plan: Plan) -> Iterator[str]:
    """Yield what is missing, what AWS calls broken, and what doesn't run as it should."""
    for step in plan.steps:
        kind = Resource.kinds[step.address.partition(".")[0]]
        if step.action is Action.CREATE:
            yield f"{step.address} is missing"
        for note in () if kind.lookup else step.notes:
            yield f"{step.address}: {note}"
        for path in _not_running(step, kind):
            yield f"{step.address} doesn't run as it should: `{path}` was changed"


def _not_running(step: Step, kind: type[Resource[Any]]) -> Iterator[str]:
    if step.action in {Action.UPDATE, Action.REPLACE}:
        yield from (change.path for change in step.changes if change.top in kind.vital)


def unhealthy_endpoint(connection: Connection, config: Config) -> str | None:
    """Ask the endpoint for a job and say what is wrong with the answer; None when nothing is.

    A machine that isn't let in learns nothing of its health, and neither do credentials that may
    not call it.
    """
    try:
        answer = connection.exchange("GET", LIST_ONE_JOB)
    except HTTPError as error:
        if EVERYONE not in config.api.allowed_cidrs:
            return None
        return f"the endpoint `{connection.endpoint}` doesn't answer: {cause_of(error)}"
    if answer.status == 403 and config.api.auth == "iam":
        return None
    if answer.status >= 400:
        said = " ".join(answer.data[:200].decode(errors="replace").split())
        return f"the endpoint answers {answer.status}: {said or 'no text'}"
    return None
