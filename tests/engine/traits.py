"""Kinds of the cloud in memory that have the rarer traits of the contract, one trait each."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar

from cloud import Thing

from batchctl.resource import Actual, Outputs, Properties


@dataclass(frozen=True, kw_only=True)
class Ground(Thing):
    """Looked up: others have made it, and it stays theirs."""

    kind: ClassVar[str] = "ground"
    lookup: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class Well(Thing):
    """Shared: made when it is missing, kept for the other stacks that draw from it."""

    kind: ClassVar[str] = "well"
    shared: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class Stone(Thing):
    """Untaggable."""

    kind: ClassVar[str] = "stone"
    taggable: ClassVar[bool] = False


@dataclass(frozen=True, kw_only=True)
class Egg(Thing):
    """Server-assigned: while it has no colour, it takes the wanted one by itself."""

    kind: ClassVar[str] = "egg"

    @classmethod
    def read(
        cls, aws: Any, recorded: Outputs | None, desired: Properties
    ) -> Actual[Outputs] | None:
        actual = super().read(aws, recorded, desired)
        if actual is None or actual.properties["Colour"] is not None:
            return actual
        return dataclasses.replace(actual, server_assigned=("Colour",))


@dataclass(frozen=True, kw_only=True)
class Mint(Thing):
    """Output-changing: another colour gives it another ARN."""

    kind: ClassVar[str] = "mint"
    changes_outputs: ClassVar[tuple[str, ...]] = ("Colour",)

    @classmethod
    def read(
        cls, aws: Any, recorded: Outputs | None, desired: Properties
    ) -> Actual[Outputs] | None:
        actual = super().read(aws, recorded, desired)
        if actual is None:
            return None
        return dataclasses.replace(actual, outputs=_struck(actual.outputs.id, actual.properties))

    def create(self, aws: Any, desired: Properties) -> Outputs:
        return _struck(super().create(aws, desired).id, desired)

    def update(
        self, aws: Any, actual: Actual[Outputs], desired: Properties, changed: Properties
    ) -> Outputs:
        super().update(aws, actual, desired, changed)
        return _struck(actual.outputs.id, desired)


def _struck(name: str, properties: Properties) -> Outputs:
    return Outputs(name, f"arn:{name}:{properties['Colour']}")


@dataclass(frozen=True, kw_only=True)
class Bell(Thing):
    """Remarks: of its making, of its deletion, and what is seen of it now."""

    kind: ClassVar[str] = "bell"
    when_made: ClassVar[str] = "wakes everybody"
    when_deleted: ClassVar[str] = "nobody is woken any more"

    @classmethod
    def read(
        cls, aws: Any, recorded: Outputs | None, desired: Properties
    ) -> Actual[Outputs] | None:
        actual = super().read(aws, recorded, desired)
        return actual and dataclasses.replace(actual, notes=("it has a crack",))
