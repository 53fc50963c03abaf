"""What whoever runs batchctl must be granted: IAM actions, on what, under which conditions.

Each kind declares beside its verbs what these need (`grants`); `batchctl policy` makes policies of
it, and a test compares it with the calls that the code makes.

Source, for every declaration: Service Authorization Reference, "Actions, resources, and condition
keys" of the service.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from batchctl.aws.tags import STACK_TAG

Condition = Mapping[str, Mapping[str, tuple[str, ...]]]

ANY = ("*",)
"""For actions that know no resource."""

OURS: Condition = {"StringEquals": {f"aws:ResourceTag/{STACK_TAG}": ("{stack}",)}}
"""What carries the stack's mark, where the ARN is an id that nobody can foretell."""

MADE_OURS: Condition = {"StringEquals": {f"aws:RequestTag/{STACK_TAG}": ("{stack}",)}}
"""What is made with the stack's mark."""


@dataclass(frozen=True)
class Grant:
    """Actions of one service on some resources.

    `commands` are those that need them, of `read` (plan, status, doctor), `up`, `down`, `jobs` and
    `map` (functions that go along with jobs).
    `actions` and `commands` are words with spaces between. A resource is an ARN, or what comes
    after its first five parts; `{stack}`, `{path}` (of roles), `{partition}`, `{region}`,
    `{account}` and `{ec2}` (EC2's principal) stand for what they are called. `when` names a field
    of the kind: where that is empty, nobody needs the grant.
    """

    commands: str
    service: str
    actions: str
    on: tuple[str, ...] = ANY
    condition: Condition = field(default_factory=dict)
    when: str = ""

    @property
    def full_actions(self) -> tuple[str, ...]:
        """The actions with their service: `sqs:CreateQueue`."""
        return tuple(f"{self.service}:{each}" for each in self.actions.split())


def made_by(action: str) -> Condition:
    """Return the condition that tags are given by an action that makes something of ours."""
    return {"StringEquals": {"ec2:CreateAction": (action,), **MADE_OURS["StringEquals"]}}
