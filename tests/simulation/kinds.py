"""The kinds of the world: each trait of the contract of resources, and their mixtures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from botocore.exceptions import ClientError
from named import Named
from world import Entity
from world_aws import WorldAws

from batchctl.aws.errors import is_missing
from batchctl.aws.tags import STACK_TAG
from batchctl.resource import Actual, Deployed, Outputs, Properties, Resource


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
