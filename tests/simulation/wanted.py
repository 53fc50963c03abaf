"""What the user wants of the stack, as a specification that random edits change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from kinds import (
    Block,
    Canvas,
    Card,
    Coin,
    Fire,
    Handle,
    Portal,
    River,
    Road,
    Sign,
    Slot,
    Vault,
)
from named import Named

from batchctl.resource import Resource

COLOURS: Final = ("red", "green", "gold")
SHAPES: Final = ("round", "square")
# In an order in which what is needed comes first.
KINDS: Final[dict[str, type[Named]]] = {
    "river": River,
    "road": Road,
    "a": Block,
    "b": Block,
    "money": Coin,
    "ace": Card,
    "king": Card,
    "socket": Slot,
    "picture": Canvas,
    "flame": Fire,
    "hoard": Vault,
    "sign": Sign,
    "grip": Handle,
    "lever": Handle,
    "door": Portal,
}
PARENTS: Final = {"grip": "a", "lever": "socket"}


@dataclass
class Part:
    """One resource as it is wanted."""

    colour: str
    shape: str
    needs: tuple[str, ...]


@dataclass
class Wanted:
    """All parts that are wanted, and the user's tags."""

    random: Random
    parts: dict[str, Part] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    @classmethod
    def first(cls, random: Random) -> Wanted:
        """Return what is wanted at first: most parts."""
        wanted = cls(random)
        for label in KINDS:
            if random.random() < 0.85:
                wanted._add(label)
        return wanted

    def edit(self) -> str:
        """Change something; return what."""
        label = self.random.choice(list(KINDS))
        if label not in self.parts:
            self._add(label)
            return f"add {label}"
        part = self.parts[label]
        how = self.random.choice(("colour", "shape", "needs", "remove", "tags"))
        if how == "colour":
            part.colour = self.random.choice(COLOURS)
        elif how == "shape":
            part.shape = self.random.choice(SHAPES)
        elif how == "needs":
            part.needs = self._some_needs(label)
        elif how == "remove":
            del self.parts[label]
        else:
            self.tags = {"team": self.random.choice(COLOURS)} if self.random.random() < 0.7 else {}
        return f"{how} of {label}"

    def stack(self) -> tuple[Resource[Any], ...]:
        """Return the resources; what needs something that isn't wanted does without."""
        made: dict[str, Named] = {}
        for label, kind in KINDS.items():
            parent = PARENTS.get(label)
            if label not in self.parts or (parent and parent not in made):
                continue
            part = self.parts[label]
            needs = tuple(made[each] for each in part.needs if each in made)
            fields: dict[str, Any] = {"colour": part.colour, "shape": part.shape, "needs": needs}
            if kind is Sign:
                fields["names"] = tuple(each for each in needs if isinstance(each, Block))
                fields["needs"] = tuple(each for each in needs if not isinstance(each, Block))
            if parent:
                fields["part_of"] = made[parent]
            made[label] = kind(label=label, name=f"app-{label}", **fields)
        return tuple(made.values())

    def _add(self, label: str) -> None:
        self.parts[label] = Part(
            self.random.choice(COLOURS), self.random.choice(SHAPES), self._some_needs(label)
        )

    def _some_needs(self, label: str) -> tuple[str, ...]:
        if KINDS[label] in {River, Road}:
            return ()
        return tuple(each for each in self._before(label) if self.random.random() < 0.25)

    @staticmethod
    def _before(label: str) -> Iterator[str]:
        for each in KINDS:
            if each == label:
                return
            if each not in PARENTS:
                yield each
