"""What every kind of the world is: something with a name, made, changed and deleted by calls."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from botocore.exceptions import ClientError
from shapes import Shape
from world import OURS, Entity
from world_aws import WorldAws

from batchctl.aws.errors import is_missing
from batchctl.resource import Actual, Outputs, Properties


@dataclass(frozen=True, kw_only=True)
class Named(Shape):
    """Found by its name, which AWS takes once."""

    guarded: ClassVar[bool] = True
    numbered: ClassVar[bool] = False

    # Reading

    @classmethod
    def read(
        cls, aws: Any, recorded: Outputs | None, desired: Properties
    ) -> Actual[Outputs] | None:
        """Return what has the recorded id, or else what has the name."""
        found = cls._found(aws, recorded, desired)
        if found is None:
            return None
        cls.require_owned(aws, found.id, found.tags)
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
