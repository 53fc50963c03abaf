"""A resource kind: its fields, traits and verbs, and what AWS has of a resource."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from batchctl.aws.batched_reads import BatchedRead
from batchctl.aws.session import Aws
from batchctl.resource.charges import Charge
from batchctl.resource.grants import Grant
from batchctl.resource.groups import Group

if TYPE_CHECKING:
    from batchctl.resource.references import Deployed

Properties = Mapping[str, Any]


class Document(dict[str, Any]):
    """A JSON document or map that we own whole: compared at every key, including unknown ones."""


@dataclass(frozen=True)
class Outputs:
    """What AWS gave a resource: its physical id and, where there is one, its ARN."""

    id: str
    arn: str


O = TypeVar("O", bound=Outputs)  # noqa: E741 - the outputs of a kind, named as short as a type variable is


@dataclass(frozen=True)
class Actual(Generic[O]):
    """What AWS has: the outputs, the properties that we own, the tags; `notes` are for the plan.

    `server_assigned` names properties that AWS sets to the desired value by itself: they never
    differ.
    """

    outputs: O
    properties: Properties
    tags: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    server_assigned: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Resource(ABC, Generic[O]):
    """One resource of the application.

    `label` is its name in the architecture (`dead_letters`), `name` its physical name in AWS.
    `leaves` are paths of properties that stay as others set them, whatever is desired. `generation`
    counts its replacements: a successor exists beside its predecessor for a while, so
    from the second on the number is part of the physical name.
    """

    label: str
    name: str
    generation: int = 1
    # The paths of its properties that others own (`leave` in config.yaml).
    leaves: tuple[str, ...] = ()

    kind: ClassVar[str]
    # What it is for; None: the same as what uses it (a role, a log group).
    group: ClassVar[Group | None] = None
    # The class of the kind's outputs, to read them back from the state.
    outputs: ClassVar[type[Outputs]] = Outputs
    # The desired properties that find it when nothing is recorded; they can't be changed.
    identity: ClassVar[tuple[str, ...]]
    # Further properties that AWS can't change in place: a change of one is a replacement.
    immutable: ClassVar[tuple[str, ...]] = ()
    # Properties on which depends whether it runs at all: a difference of one is more than drift.
    vital: ClassVar[tuple[str, ...]] = ()
    # Properties whose change in place gives it other outputs.
    changes_outputs: ClassVar[tuple[str, ...]] = ()
    # Whether a successor can be made while the predecessor lives.
    create_before_delete: ClassVar[bool] = True
    # Whether AWS can tag it: without tags it is identified by its parents.
    taggable: ClassVar[bool] = True
    # Looked up, never made or deleted, never recorded (a VPC).
    lookup: ClassVar[bool] = False
    # Shared with other stacks of the account: made when missing, kept by `down`.
    shared: ClassVar[bool] = False
    # Whether replacing or deleting it loses what the user stored in it.
    holds_data: ClassVar[bool] = False
    # The paths of properties that say how long something is kept: to lower one that others raised
    # loses data.
    retentions: ClassVar[tuple[str, ...]] = ()
    # Whether a replaced one stays until what runs in it has ended.
    lets_work_end: ClassVar[bool] = False
    # Whether new work arrives through it: `down` deletes it first, after its dependents.
    entry_point: ClassVar[bool] = False
    # Kinds of dependencies that it only names, by ARN or in a variable: its deletion need not come
    # before theirs.
    only_names: ClassVar[frozenset[str]] = frozenset()
    # Whether `disable` does something: `down` calls it ahead of the turn of `delete`.
    disabled_ahead: ClassVar[bool] = False
    # What it costs while it exists, shown when `down` could not delete it.
    cost: ClassVar[str] = "costs nothing"
    # What the plan says about making or changing it, and about deleting it, if not obvious.
    when_made: ClassVar[str] = ""
    when_deleted: ClassVar[str] = ""

    # What its deletion lets in, for `up` to ask about: "requests that the web ACL refuses".
    loosened_when_deleted: ClassVar[str] = ""

    # How many calls reading it takes: what takes the most starts first.
    calls_to_read: ClassVar[int] = 1
    # The reads that one call can make for all resources of the kind, or of the service.
    batched_reads: ClassVar[tuple[BatchedRead, ...]] = ()

    # What is charged by the hour while it stands idle.
    charges: ClassVar[tuple[Charge, ...]] = ()
    # What whoever runs `plan`, `up` and `down` must be granted for these verbs.
    grants: ClassVar[tuple[Grant, ...]] = ()

    kinds: ClassVar[dict[str, type[Resource[Any]]]] = {}

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if "kind" in cls.__dict__:
            Resource.kinds[cls.kind] = cls

    @property
    def address(self) -> str:
        """The name in plans and in the state: `queue.dead_letters`."""
        return f"{self.kind}.{self.label}"

    @property
    def physical_name(self) -> str:
        """The name in AWS, with the number of the generation from the second on."""
        return self.name if self.generation == 1 else f"{self.name}-{self.generation}"

    @property
    def dependencies(self) -> tuple[Resource[Any], ...]:
        """The resources among the fields, at any depth, each once, in the order of the fields."""
        found = _resources_in([getattr(self, each.name) for each in dataclasses.fields(self)])
        return tuple({resource.address: resource for resource in found}.values())

    @property
    def own_tags(self) -> Mapping[str, str]:
        """Tags that it alone carries, beside the stack's mark and the user's."""
        return {}

    @abstractmethod
    def desired(self, deployed: Deployed) -> Properties:
        """Return the API parameters that we own; dependencies' outputs by `deployed[self.field]`.

        Only keys that we own, in the API's spelling, so that AWS's defaults are never drift. A
        Document is owned whole. Makes no call.
        """

    def foreseen(self, deployed: Deployed) -> O | None:
        """Return the outputs that it is going to have, made under its name; None: not known.

        Whoever only names it need not wait until it is made. Makes no call.
        """
        del deployed
        return None

    @classmethod
    @abstractmethod
    def read(cls, aws: Aws, recorded: O | None, desired: Properties) -> Actual[O] | None:
        """Return what AWS has, with the properties in the spelling of `desired`; None when absent.

        Finds it by the `recorded` outputs, else by the identity in `desired`. Only the identity's
        values are sure to be known: others can still be placeholders, as a resource can be read
        before its dependencies.
        """

    @abstractmethod
    def create(self, aws: Aws, desired: Properties) -> O:
        """Make it with the stack's tags, wait until it is usable, return its outputs.

        Raises AWS's error when it already exists; the engine then reads and adopts it. If this
        stops half-way, `read` and `update` must be able to finish the work.
        """

    @abstractmethod
    def update(self, aws: Aws, actual: Actual[O], desired: Properties, changed: Properties) -> O:
        """Bring about `changed`, the keys of `desired` that differ; return the outputs."""

    def write_tags(
        self, aws: Aws, outputs: O, tags: Mapping[str, str], removed: Sequence[str]
    ) -> None:
        """Set `tags` and remove the keys `removed`; every kind that is taggable has its own."""
        del aws, outputs, tags, removed
        raise TypeError(f"`{self.kind}` can be tagged but has no `write_tags`")

    @classmethod
    def disable(cls, aws: Aws, recorded: O) -> None:
        """Begin its deletion as far as AWS allows that while others still use it.

        `delete` comes later and does it as well where this didn't.
        """
        del aws, recorded

    @classmethod
    def replicas(cls, aws: Aws, names: Collection[str]) -> Iterator[tuple[str, O]]:
        """Yield the name and outputs of all whose name begins with one of `names`, whose ever.

        A kind that is replaced under another name has its own: when the state is lost, a successor
        is known by no record.
        """
        del aws, names
        return iter(())

    @classmethod
    def tags_of(cls, aws: Aws, recorded: O) -> Mapping[str, str] | None:
        """Return the tags that say whose it is now; None when it is gone.

        Asked by what `delete` goes by, as a state may say anything. What can't be tagged has the
        tags of what it belongs to. Every kind that is deleted has its own.
        """
        del aws, recorded
        raise TypeError(f"`{cls.kind}` can be deleted but has no `tags_of`")

    @classmethod
    @abstractmethod
    def delete(cls, aws: Aws, recorded: O) -> None:
        """Delete it and wait until it is gone; quiet when it is gone already."""

    @classmethod
    def retire(cls, aws: Aws, recorded: O) -> str | None:
        """Delete one that has a successor; with `lets_work_end` not before its work has ended.

        Say what still runs in it ("3 jobs"), or None when it is gone.
        """
        cls.delete(aws, recorded)
        return None

    def loosened(self, actual: Properties, desired: Properties) -> Iterable[str]:
        """Say what is let in, or no longer kept, when `actual` becomes `desired`.

        A sentence each, for the user to agree to, whoever caused the difference. Makes no call.
        """
        del actual, desired
        return ()

    @classmethod
    def stored(cls, aws: Aws, recorded: O) -> str | None:
        """Say what data it holds now ("12 jobs"), or None when it holds none."""
        del aws, recorded
        return None

    @classmethod
    def running(cls, aws: Aws, recorded: O) -> str | None:
        """Say what runs in it now that its deletion would end ("3 jobs"), or None for nothing."""
        del aws, recorded
        return None


def _resources_in(value: Any) -> Iterator[Resource[Any]]:
    if isinstance(value, Resource):
        yield value
    elif isinstance(value, Mapping):
        yield from _resources_in(list(value.values()))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _resources_in(part)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield from _resources_in([getattr(value, each.name) for each in dataclasses.fields(value)])
