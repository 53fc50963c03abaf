"""A cloud in a dict, and a resource kind that lives in it: the engine without AWS."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import boto3
from botocore.exceptions import ClientError
from shapes import Shape

from batchctl.aws.clock import Clock
from batchctl.aws.session import Aws, Connection
from batchctl.engine.state import StateIdentity
from batchctl.resource import Actual, Outputs, Properties

NO_CONNECTION = Connection(boto3.Session(region_name="us-east-1"))
IDENTITY = StateIdentity("app", "123456789012", "us-east-1")


@dataclass
class Cloud:
    """What exists, by name; every call made; `fault` may raise before or after a call."""

    things: dict[str, dict[str, Any]] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    before: Callable[[str, str], None] = lambda _verb, _name: None
    after: Callable[[str, str], None] = lambda _verb, _name: None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def call(self, verb: str, name: str, change: Callable[[], None]) -> None:
        self.before(verb, name)
        with self.lock:
            self.calls.append((verb, name))
            change()
        self.after(verb, name)

    @property
    def writes(self) -> list[tuple[str, str]]:
        return [call for call in self.calls if call[0] != "read"]


class FakeAws(Aws):
    """An account that holds the cloud, and no client."""

    def __init__(
        self,
        cloud: Cloud,
        clock: Clock | None = None,
        on_wait: Callable[[str], None] = lambda _: None,
    ) -> None:
        super().__init__(NO_CONNECTION, stack="app", tags={}, clock=clock, on_wait=on_wait)
        self.cloud = cloud

    def reporting_to(self, on_wait: Callable[[str], None]) -> FakeAws:
        view = FakeAws(self.cloud, self.clock, on_wait)
        view.user_tags = self.user_tags
        return view


@dataclass(frozen=True, kw_only=True)
class Thing(Shape):
    """A resource of the cloud."""

    kind: ClassVar[str] = "thing"

    @classmethod
    def read(
        cls, aws: Any, recorded: Outputs | None, desired: Properties
    ) -> Actual[Outputs] | None:
        name = recorded.id if recorded else desired["Name"]
        aws.cloud.call("read", name, lambda: None)
        if name not in aws.cloud.things:
            return None
        cls.require_owned(aws, name, aws.cloud.tags[name])
        outputs = cls.outputs(id=name, arn=f"arn:{name}")
        return Actual(outputs, dict(aws.cloud.things[name]), dict(aws.cloud.tags[name]))

    def create(self, aws: Any, desired: Properties) -> Outputs:
        name = desired["Name"]

        def make() -> None:
            if name in aws.cloud.things:
                raise ClientError({"Error": {"Code": "EntityAlreadyExists"}}, "CreateThing")
            aws.cloud.things[name] = dict(desired)
            aws.cloud.tags[name] = dict(aws.tags) if self.taggable else {}

        aws.cloud.call("create", name, make)
        return self.outputs(id=name, arn=f"arn:{name}")

    def update(
        self, aws: Any, actual: Actual[Outputs], desired: Properties, changed: Properties
    ) -> Outputs:
        name = actual.outputs.id
        aws.cloud.call("update", name, lambda: aws.cloud.things[name].update(changed))
        return actual.outputs

    def write_tags(
        self, aws: Any, outputs: Outputs, tags: Mapping[str, str], removed: Sequence[str]
    ) -> None:
        def write() -> None:
            held = aws.cloud.tags[outputs.id]
            held.update(tags)
            for key in removed:
                held.pop(key, None)

        aws.cloud.call("tag", outputs.id, write)

    @classmethod
    def tags_of(cls, aws: Any, recorded: Outputs) -> Mapping[str, str] | None:
        if recorded.id not in aws.cloud.things:
            return None
        return dict(aws.cloud.tags[recorded.id]) if cls.taggable else dict(aws.tags)

    @classmethod
    def delete(cls, aws: Any, recorded: Outputs) -> None:
        def remove() -> None:
            aws.cloud.things.pop(recorded.id, None)
            aws.cloud.tags.pop(recorded.id, None)

        aws.cloud.call("delete", recorded.id, remove)


@dataclass(frozen=True, kw_only=True)
class Slot(Thing):
    """A thing of which two can't live side by side."""

    kind: ClassVar[str] = "slot"
    create_before_delete: ClassVar[bool] = False


@dataclass(frozen=True, kw_only=True)
class Chest(Thing):
    """A thing that holds data when it is golden."""

    kind: ClassVar[str] = "chest"
    holds_data: ClassVar[bool] = True

    @classmethod
    def stored(cls, aws: Any, recorded: Outputs) -> str | None:
        found = aws.cloud.things.get(recorded.id, {})
        return "3 coins" if found.get("Colour") == "gold" else None


@dataclass(frozen=True, kw_only=True)
class Gate(Thing):
    """A thing by which new work comes in."""

    kind: ClassVar[str] = "gate"
    entry_point: ClassVar[bool] = True
    cost: ClassVar[str] = "costs a coin an hour"


@dataclass(frozen=True, kw_only=True)
class Mill(Thing):
    """A thing in which work runs while it is green."""

    kind: ClassVar[str] = "mill"

    @classmethod
    def running(cls, aws: Any, recorded: Outputs) -> str | None:
        found = aws.cloud.things.get(recorded.id, {})
        return "2 sacks" if found.get("Colour") == "green" else None
