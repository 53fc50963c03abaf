"""What the made-up kinds of the tests have in common: fields, wishes, whose they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from batchctl.aws.session import Aws
from batchctl.resource import Deployed, Outputs, Properties, Resource, require_owned


@dataclass(frozen=True, kw_only=True)
class Shape(Resource[Outputs]):
    """Found by its name: the colour can change in place, the shape can't."""

    colour: str = "red"
    shape: str = "round"
    needs: tuple[Resource[Any], ...] = ()

    identity: ClassVar[tuple[str, ...]] = ("Name",)
    immutable: ClassVar[tuple[str, ...]] = ("Shape",)

    def desired(self, deployed: Deployed) -> Properties:
        """Return the properties, with what it needs by ARN."""
        return {
            "Name": self.physical_name,
            "Colour": self.colour,
            "Shape": self.shape,
            "Needs": [deployed[each].arn for each in self.needs],
        }

    @classmethod
    def require_owned(cls, aws: Aws, id_: str, tags: Mapping[str, str]) -> None:
        """Refuse what hasn't our tags, unless the kind can be another's."""
        if cls.taggable and not (cls.lookup or cls.shared):
            require_owned(aws, f"{cls.kind} `{id_}`", tags)
