"""The kinds of the world: each trait of the contract of resources, and their mixtures."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar

import boto3
from botocore.exceptions import ClientError
from world import OURS, STALE_NAMED_S, STALE_NUMBERED_S, Entity, World

from batchctl.aws.batched_reads import Reads
from batchctl.aws.clock import Clock
from batchctl.aws.errors import is_missing
from batchctl.aws.retries import Retrier
from batchctl.aws.session import Aws, Connection
from batchctl.aws.tags import STACK_TAG
from batchctl.resource import Actual, Deployed, Outputs, Properties, Resource, require_owned

NO_CONNECTION = Connection(boto3.Session(region_name="us-east-1"))


class WorldAws(Aws):
    """The account as a run of the stack sees it: every call goes through the real retries."""

    def __init__(
        self,
        world: World,
        clock: Clock,
        tags: Mapping[str, str],
        on_wait: Callable[[str], None] = lambda _: None,
    ) -> None:
        super().__init__(NO_CONNECTION, stack="app", tags=tags, clock=clock, on_wait=on_wait)
        self.world = world

    def _view(self, on_wait: Callable[[str], None], reads: Reads) -> WorldAws:
        view = WorldAws(self.world, self.clock, self.user_tags, on_wait)
        view.creations, view.reads = self.creations, reads
        return view

    def ask(self, operation: str, parameters: Mapping[str, Any], once: Callable[[], Any]) -> Any:
        """Call `once` with the retries that `operation` gets."""
        random: Random = self.world.turns.random
        retrier = Retrier(self.clock, self.on_wait, random.random, self.creations)
        return retrier.call(operation, once, parameters)

    def look(self, operation: str, what: str, read: Callable[[Mapping[str, Entity]], Any]) -> Any:
        """Read, with retries."""
        stale_s = STALE_NUMBERED_S if operation.startswith("sim.List") else STALE_NAMED_S

        def once() -> dict[str, Any]:
            return {"It": self.world.look(f"{operation} {what}", read, stale_s)}

        return self.ask(operation, {"What": what}, once)["It"]


@dataclass(frozen=True, kw_only=True)
class Named(Resource[Outputs]):
    """Found by its name: the colour can change in place, the shape can't."""

    colour: str = "red"
    shape: str = "round"
    needs: tuple[Resource[Any], ...] = ()

    identity: ClassVar[tuple[str, ...]] = ("Name",)
    immutable: ClassVar[tuple[str, ...]] = ("Shape",)
    guarded: ClassVar[bool] = True
    numbered: ClassVar[bool] = False

    def desired(self, deployed: Deployed) -> Properties:
        """Return the properties, with what it needs by ARN."""
        return {
            "Name": self.physical_name,
            "Colour": self.colour,
            "Shape": self.shape,
            "Needs": [deployed[each].arn for each in self.needs],
        }

    # Reading

    @classmethod
    def read(
        cls, aws: Any, recorded: Outputs | None, desired: Properties
    ) -> Actual[Outputs] | None:
        """Return what has the recorded id, or else what has the name."""
        found = cls._found(aws, recorded, desired)
        if found is None:
            return None
        if cls.taggable and not (cls.lookup or cls.shared):
            require_owned(aws, f"{cls.kind} `{found.id}`", found.tags)
        return Actual(
            cls.outputs(found.id, found.arn),
            dict(found.properties),
            dict(found.tags),
            server_assigned=cls._assigned(found),
        )

    @classmethod
    def _assigned(cls, found: Entity) -> tuple[str, ...]:
        del found
        return ()

    @classmethod
    def _found(cls, aws: WorldAws, recorded: Outputs | None, desired: Properties) -> Entity | None:
        return cls._described(aws, recorded.id if recorded else cls._id_of(desired))

    @classmethod
    def _id_of(cls, desired: Properties) -> str:
        return f"{cls.kind}/{desired['Name']}"

    @classmethod
    def _described(cls, aws: WorldAws, id_: str) -> Entity | None:
        operation = "sim.ListThings" if cls.numbered else "sim.DescribeThing"
        found: Entity | None = aws.look(operation, id_, lambda entities: entities.get(id_))
        return found

    @classmethod
    def replicas(cls, aws: Any, names: Collection[str]) -> Iterator[tuple[str, Outputs]]:
        """Yield all of the kind whose name begins so, whose ever."""

        def of_kind(entities: Mapping[str, Entity]) -> list[Entity]:
            return [
                each
                for each in entities.values()
                if each.kind == cls.kind and each.name.startswith(tuple(names))
            ]

        for each in aws.look("sim.ListThings", cls.kind, of_kind):
            yield each.name, cls.outputs(each.id, each.arn)

    @classmethod
    def tags_of(cls, aws: Any, recorded: Outputs) -> Mapping[str, str] | None:
        """Return its tags."""
        found = cls._described(aws, recorded.id)
        return None if found is None else dict(found.tags)

    # Writing

    def create(self, aws: Any, desired: Properties) -> Outputs:
        """Make it."""
        made = self._make(aws, desired)
        return self.outputs(made.id, made.arn)

    def _make(self, aws: WorldAws, properties: Properties) -> Entity:
        entity = Entity(
            id=self._id_of(properties),
            kind=self.kind,
            name=str(properties["Name"]),
            of=OURS,
            properties=dict(properties),
            tags=dict(aws.tags) if self.taggable else {},
            parent=properties.get("Parent"),
            guarded=self.guarded,
            needs_disabling=self.disabled_ahead,
            numbered=self.numbered,
        )
        answer: dict[str, Any] = {}

        def once() -> dict[str, Any]:
            made = aws.world.call(f"Create {entity.id}", lambda: aws.world.make(entity))
            answer["entity"] = made
            return {"Id": made.id}

        aws.ask("sim.CreateThing", {"Name": entity.name}, once)
        made: Entity = answer["entity"]
        return made

    def update(
        self, aws: Any, actual: Actual[Outputs], desired: Properties, changed: Properties
    ) -> Outputs:
        """Change what differs."""
        self._change(aws, actual.outputs.id, changed, {})
        return actual.outputs

    @staticmethod
    def _change(
        aws: WorldAws, id_: str, properties: Properties, tags: Mapping[str, str | None]
    ) -> None:
        def once() -> dict[str, Any]:
            what = f"Change {id_} {[*properties, *tags]}"
            aws.world.call(what, lambda: aws.world.change(id_, properties, tags))
            return {}

        aws.ask("sim.UpdateThing", {"Id": id_}, once)

    def write_tags(
        self, aws: Any, outputs: Outputs, tags: Mapping[str, str], removed: Sequence[str]
    ) -> None:
        """Set and remove tags."""
        self._change(aws, outputs.id, {}, {**tags, **dict.fromkeys(removed)})

    @classmethod
    def delete(cls, aws: Any, recorded: Outputs) -> None:
        """Delete it; quiet when it is gone."""

        def once() -> dict[str, Any]:
            aws.world.call(f"Delete {recorded.id}", lambda: aws.world.remove(recorded.id))
            return {}

        try:
            aws.ask("sim.DeleteThing", {"Id": recorded.id}, once)
        except ClientError as error:
            if not is_missing(error):
                raise


@dataclass(frozen=True, kw_only=True)
class Slot(Named):
    """Two can't live side by side, so the predecessor goes first."""

    kind: ClassVar[str] = "slot"
    create_before_delete: ClassVar[bool] = False
    guarded: ClassVar[bool] = False


@dataclass(frozen=True, kw_only=True)
class Card(Named):
    """It has an id that AWS assigns, and AWS takes the same name twice."""

    kind: ClassVar[str] = "card"
    numbered: ClassVar[bool] = True

    @classmethod
    def _found(cls, aws: WorldAws, recorded: Outputs | None, desired: Properties) -> Entity | None:
        if recorded is not None:
            return cls._described(aws, recorded.id)

        def named(entities: Mapping[str, Entity]) -> list[Entity]:
            return [
                each
                for each in entities.values()
                if each.kind == cls.kind
                and each.name == desired["Name"]
                and each.tags.get(STACK_TAG) == aws.stack
            ]

        return next(iter(aws.look("sim.ListThings", str(desired["Name"]), named)), None)


@dataclass(frozen=True, kw_only=True)
class Vault(Named):
    """It holds data while it is golden."""

    kind: ClassVar[str] = "vault"
    holds_data: ClassVar[bool] = True

    @classmethod
    def stored(cls, aws: Any, recorded: Outputs) -> str | None:
        """Say what is in it."""
        found = cls._described(aws, recorded.id)
        return "3 coins" if found and found.properties["Colour"] == "gold" else None


@dataclass(frozen=True, kw_only=True)
class Portal(Named):
    """New work comes in by it."""

    kind: ClassVar[str] = "portal"
    entry_point: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class Coin(Named):
    """Another colour gives it another ARN."""

    kind: ClassVar[str] = "coin"
    changes_outputs: ClassVar[tuple[str, ...]] = ("Colour",)

    def update(
        self, aws: Any, actual: Actual[Outputs], desired: Properties, changed: Properties
    ) -> Outputs:
        """Change it; its ARN is that of the new colour."""
        super().update(aws, actual, desired, changed)
        return self.outputs(actual.outputs.id, f"arn:{actual.outputs.id}:{desired['Colour']}")


@dataclass(frozen=True, kw_only=True)
class Canvas(Named):
    """Made in two calls: between them it has no colour. It takes a missing shape by itself."""

    kind: ClassVar[str] = "canvas"

    def create(self, aws: Any, desired: Properties) -> Outputs:
        """Make it, then paint it."""
        made = self._make(aws, {**desired, "Colour": None})
        self._change(aws, made.id, {"Colour": desired["Colour"]}, {})
        return self.outputs(made.id, made.arn)

    @classmethod
    def _assigned(cls, found: Entity) -> tuple[str, ...]:
        return ("Shape",) if found.properties["Shape"] is None else ()


@dataclass(frozen=True, kw_only=True)
class Fire(Named):
    """It must be put out before it can be deleted."""

    kind: ClassVar[str] = "fire"
    disabled_ahead: ClassVar[bool] = True

    def desired(self, deployed: Deployed) -> Properties:
        """Return the properties; it burns."""
        return {**super().desired(deployed), "Enabled": True}

    @classmethod
    def disable(cls, aws: Any, recorded: Outputs) -> None:
        """Put it out; quiet when it is gone."""
        try:
            cls._change(aws, recorded.id, {"Enabled": False}, {})
        except ClientError as error:
            if not is_missing(error):
                raise

    @classmethod
    def delete(cls, aws: Any, recorded: Outputs) -> None:
        """Put it out, and delete it."""
        cls.disable(aws, recorded)
        super().delete(aws, recorded)


@dataclass(frozen=True, kw_only=True)
class Handle(Named):
    """Untaggable, and part of another thing, with which it goes."""

    part_of: Resource[Any]

    kind: ClassVar[str] = "handle"
    identity: ClassVar[tuple[str, ...]] = ("Parent", "Name")
    taggable: ClassVar[bool] = False

    def desired(self, deployed: Deployed) -> Properties:
        """Return the properties, and what it is part of."""
        return {"Parent": deployed[self.part_of].id, **super().desired(deployed)}

    @classmethod
    def _id_of(cls, desired: Properties) -> str:
        return f"{desired['Parent']}/{desired['Name']}"

    @classmethod
    def tags_of(cls, aws: Any, recorded: Outputs) -> Mapping[str, str] | None:
        """Return the tags of what it is part of; None when it is gone."""
        found = cls._described(aws, recorded.id)
        if found is None or found.parent is None:
            return None
        parent = cls._described(aws, found.parent)
        return None if parent is None else dict(parent.tags)


@dataclass(frozen=True, kw_only=True)
class Sign(Named):
    """It only names blocks: it can be made before them, and outlive them."""

    kind: ClassVar[str] = "sign"
    only_names: ClassVar[frozenset[str]] = frozenset({"block"})
    names: tuple[Resource[Any], ...] = ()

    def desired(self, deployed: Deployed) -> Properties:
        """Return the properties, and the ARNs that it names."""
        return {
            **super().desired(deployed),
            "Names": [deployed[each].arn for each in self.names],
        }


@dataclass(frozen=True, kw_only=True)
class Block(Named):
    """Named, and its ARN is known before it is made."""

    kind: ClassVar[str] = "block"

    def foreseen(self, deployed: Deployed) -> Outputs | None:
        """Return the id and the ARN that its name gives it."""
        del deployed
        id_ = f"{self.kind}/{self.physical_name}"
        return self.outputs(id_, f"arn:{id_}")


@dataclass(frozen=True, kw_only=True)
class River(Named):
    """Looked up: others have made it."""

    kind: ClassVar[str] = "river"
    lookup: ClassVar[bool] = True

    def desired(self, deployed: Deployed) -> Properties:
        """Return its name alone: the rest is for its owner to decide."""
        del deployed
        return {"Name": self.name}


@dataclass(frozen=True, kw_only=True)
class Road(Named):
    """Shared with the other stacks of the account."""

    kind: ClassVar[str] = "road"
    shared: ClassVar[bool] = True
    immutable: ClassVar[tuple[str, ...]] = ()
    guarded: ClassVar[bool] = False

    def desired(self, deployed: Deployed) -> Properties:
        """Return its name alone: the rest is for whoever made it to decide."""
        del deployed
        return {"Name": self.name}
