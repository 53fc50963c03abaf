"""What is deployed: every resource with its drift, the endpoint, the depth of the queues."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from botocore.exceptions import ClientError

from batchctl.application.front_door import FrontDoor
from batchctl.aws.errors import code_of, ignore_refused, message_of
from batchctl.aws.session import Aws
from batchctl.engine.action import Action
from batchctl.engine.graph import Group
from batchctl.engine.plan import Plan
from batchctl.engine.state import State
from batchctl.engine.steps import Step
from batchctl.resources.sqs import depth
from batchctl.stack import QUEUES

OK = "ok"
_WORDS = {
    Action.CREATE: "missing",
    Action.DELETE: "no longer wanted",
    Action.REPLACE: "drifted",
    Action.UPDATE: "drifted",
    Action.KEEP: "kept",
}


@dataclass(frozen=True)
class ResourceStatus:
    """A resource: `ok`, `missing`, `kept`, `no longer wanted`, or `drifted:` and the attributes.

    `group` is what it is for, such as `front door`.
    Or `unknown:` and who refuses to show it.
    """

    address: str
    name: str
    state: str
    group: str = Group.OTHER

    @property
    def is_ok(self) -> bool:
        """Whether it is as config.yaml wants it."""
        return self.state == OK


@dataclass(frozen=True)
class Status:
    """An application as it stands; `queues` are messages by address, None is what isn't there.

    `unhealthy` says, a sentence each, what keeps jobs from being taken, run or read.
    `groups` has in words what each group of resources is.
    `newer_base` is the base image's name where that names another one than the image was made on.
    """

    stack: str
    account: str
    region: str
    endpoint: str | None
    execute_role: str | None
    resources: tuple[ResourceStatus, ...]
    queues: Mapping[str, int]
    unhealthy: tuple[str, ...] = ()
    newer_base: str | None = None
    groups: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_drift(self) -> bool:
        """Whether anything differs from config.yaml, or may do so unseen."""
        return any(each.state not in {"ok", "kept"} for each in self.resources)


def status_of(
    plan: Plan, state: State, aws: Aws, door: FrontDoor, unhealthy: tuple[str, ...]
) -> Status:
    """Return what is deployed; drift is what the plan would change."""
    return Status(
        stack=aws.stack,
        account=aws.account,
        region=aws.region,
        endpoint=door.url,
        execute_role=door.role,
        resources=(
            *(
                ResourceStatus(
                    step.address, step.name, _condition(step), plan.group_of(step.address).value
                )
                for step in plan.steps
            ),
            *(
                ResourceStatus(address, "", _hidden(error), plan.group_of(address).value)
                for address, error in plan.refused.items()
            ),
        ),
        queues=_depths(state, aws),
        unhealthy=unhealthy,
    )


def _condition(step: Step) -> str:
    word = _WORDS.get(step.action, OK)
    if word != "drifted":
        return word
    return f"drifted: {', '.join(change.path for change in step.changes)}"


def _hidden(error: ClientError) -> str:
    """Return the state of what these credentials may not read."""
    return f"unknown: {message_of(error) or code_of(error)}"


def _depths(state: State, aws: Aws) -> dict[str, int]:
    """Return the messages of each queue that is there and may be read."""
    found = {}
    for address in QUEUES:
        if url := state.outputs(address).get("url"):
            with ignore_refused():
                found[address] = depth(aws, url)
    return found
