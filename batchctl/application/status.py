"""What is deployed: every resource with its drift, the endpoint, the depth of the queues."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from batchctl.application.front_door import FrontDoor
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
        resources=tuple(
            ResourceStatus(
                step.address, step.name, _condition(step), plan.group_of(step.address).value
            )
            for step in plan.steps
        ),
        queues=_depths(state, aws),
        unhealthy=unhealthy,
    )


def _condition(step: Step) -> str:
    word = _WORDS.get(step.action, OK)
    if word != "drifted":
        return word
    return f"drifted: {', '.join(change.path for change in step.changes)}"


def _depths(state: State, aws: Aws) -> dict[str, int]:
    urls = {address: state.outputs(address).get("url") for address in QUEUES}
    return {address: depth(aws, url) for address, url in urls.items() if url}
