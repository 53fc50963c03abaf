"""A small AWS in memory that behaves as badly as AWS may: a fault at every call, by the seed.

It knows itself what is whose, whatever the tags say, and ends the simulation when something is
changed or deleted that isn't the stack's.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from turns import Died, Turns

T = TypeVar("T")
OURS: Final = "ours"
# How long a read can show what was: at once of the ids that AWS assigns, as `up` relies on that.
STALE_NAMED_S = 5.0
STALE_NUMBERED_S = 1.5
# How long a write can say that what was just made is missing.
UNSEEN_S = 10.0
# So many times rarer does a read go wrong than a write: there are more of them, and the plan, in
# which nothing happens yet, is nothing but reads.
READS = 6.0
FAULTS = (
    "throttles",
    "fails",
    "is refused",
    "answers late",
    "loses its answer",
    "loses the request",
    "takes effect later",
    "is not sent",
    "dies before",
    "dies after",
    "is interrupted",
)


class Broken(AssertionError):
    """An invariant doesn't hold."""


@dataclass
class Entity:
    """Something that exists; `of` is whose it really is."""

    id: str
    kind: str
    name: str
    of: str
    properties: dict[str, Any]
    tags: dict[str, str]
    parent: str | None = None
    # Whether AWS refuses to delete it while something refers to it.
    guarded: bool = False
    needs_disabling: bool = False
    numbered: bool = False
    born: float = 0.0

    def copy(self) -> Entity:
        """Return it as it is now."""
        return dataclasses.replace(self, properties=dict(self.properties), tags=dict(self.tags))

    @property
    def arn(self) -> str:
        """The ARN; of what is struck anew with every colour, with the colour."""
        return f"arn:{self.id}" + (f":{self.properties['Colour']}" if self.kind == "coin" else "")


@dataclass
class Faults:
    """How often a call goes wrong, in all and by the kind of fault; none by default."""

    rate: float = 0.0
    stale: float = 0.0
    unseen: float = 0.0


@dataclass
class World:
    """What exists, what existed, and what is still on its way."""

    turns: Turns
    entities: dict[str, Entity] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    calls: int = 0
    # Deletions that were refused as something else still used the thing.
    refused_in_use: int = 0
    counted: dict[str, int] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    # Called at every call: another run may be tried there.
    on_call: Callable[[], None] = lambda: None
    interrupt: Callable[[], None] = lambda: None
    _number: int = 0
    _past: list[tuple[float, dict[str, Entity]]] = field(default_factory=list)
    _on_the_way: list[tuple[float, Callable[[], object]]] = field(default_factory=list)

    # Calls

    def call(self, what: str, effect: Callable[[], T]) -> T:
        """Carry out one try of a call that changes something: with a fault, or without."""
        fault = self._begin(what, self.faults.rate)
        if fault == "loses the request":
            raise self._timeout()
        if fault == "takes effect later":
            due = self.turns.now + self.turns.random.uniform(0.1, STALE_NUMBERED_S)
            self._on_the_way.append((due, effect))
            raise self._timeout()
        answer = effect()
        self.remember()
        if fault == "loses its answer":
            raise self._timeout()
        if fault == "dies after":
            raise Died
        return answer

    def look(self, what: str, read: Callable[[Mapping[str, Entity]], T], stale_s: float) -> T:
        """Carry out one try of a read, which may show what was up to `stale_s` ago."""
        fault = self._begin(what, self.faults.rate / READS)
        if fault in {"loses its answer", "loses the request", "takes effect later"}:
            raise self._timeout()
        if self._chance(self.faults.stale):
            self._count("reads stale")
            return read(self._at(self.turns.now - self.turns.random.uniform(0, stale_s)))
        if fault == "dies after":
            raise Died
        return read(self.entities)

    def _begin(self, what: str, rate: float) -> str | None:
        self.calls += 1
        self.on_call()
        self.turns.give_way()
        self.pass_time(self.turns.random.uniform(0.02, 0.3))
        fault = self.turns.random.choice(FAULTS) if self._chance(rate) else None
        self.log.append(f"{self.turns.now:8.1f} {what}" + (f": {fault}" if fault else ""))
        if fault is None:
            return None
        self._count(fault)
        if fault == "throttles":
            raise refusal("ThrottlingException", "Rate exceeded", 400)
        if fault == "fails":
            raise refusal("InternalFailure", "We encountered an internal error", 500)
        if fault == "is refused":
            raise refusal("ServiceQuotaExceededException", "Too many", 400)
        if fault == "is not sent":
            raise EndpointConnectionError(endpoint_url="https://sim.example")
        if fault == "dies before":
            raise Died
        if fault == "is interrupted":
            self.interrupt()
        if fault == "answers late":
            self.pass_time(self.turns.random.uniform(1, 40))
        return fault

    def _chance(self, probability: float) -> bool:
        return probability > 0 and self.turns.random.random() < probability

    def _count(self, fault: str) -> None:
        self.counted[fault] = self.counted.get(fault, 0) + 1

    @staticmethod
    def _timeout() -> ReadTimeoutError:
        return ReadTimeoutError(endpoint_url="https://sim.example")

    def pass_time(self, seconds: float) -> None:
        """Let time pass, and what was on its way arrive."""
        self.turns.now += seconds
        self.arrive()

    def arrive(self) -> None:
        """Carry out what is due: a request whose answer nobody has waited for."""
        due = [effect for at, effect in self._on_the_way if at <= self.turns.now]
        self._on_the_way = [each for each in self._on_the_way if each[0] > self.turns.now]
        for effect in due:
            try:
                effect()
            except ClientError as error:
                self.log.append(f"{self.turns.now:8.1f} (arrives late, refused: {error})")
            else:
                self.log.append(f"{self.turns.now:8.1f} (arrives late)")
            self.remember()

    # The past, for stale reads

    def remember(self) -> None:
        """Keep what there is now, and forget what nobody can see any more."""
        if not self.faults.stale:
            self._past.clear()
            return
        now = self.turns.now
        later = [each for each in self._past if each[0] >= now - STALE_NAMED_S]
        earlier = self._past[len(self._past) - len(later) - 1 :][:1] if later != self._past else []
        copies = {id_: each.copy() for id_, each in self.entities.items()}
        self._past = [*earlier, *later, (now, copies)]

    def _at(self, moment: float) -> Mapping[str, Entity]:
        before = [entities for at, entities in self._past if at <= moment]
        return before[-1] if before else (self._past[0][1] if self._past else self.entities)

    # What calls do

    def make(self, entity: Entity) -> Entity:
        """Make something; refused when its name is taken, or what it refers to isn't there."""
        if not entity.numbered and entity.id in self.entities:
            raise refusal("EntityAlreadyExists", f"{entity.name} already exists", 409)
        self._require_references(entity.properties)
        if entity.parent is not None and entity.parent not in self.entities:
            raise refusal("ResourceNotFoundException", f"{entity.parent} does not exist", 404)
        if entity.numbered:
            self._number += 1
            entity = dataclasses.replace(entity, id=f"{entity.kind}-{self._number:04}")
        made = dataclasses.replace(entity.copy(), born=self.turns.now)
        self.entities[made.id] = made
        return made

    def change(
        self, id_: str, properties: Mapping[str, Any], tags: Mapping[str, str | None]
    ) -> None:
        """Change properties and tags (None: away) of something that is the stack's."""
        entity = self._ours(id_, "changed")
        if self.turns.now - entity.born < UNSEEN_S and self._chance(self.faults.unseen):
            self._count("calls missing what was just made")
            raise refusal("ResourceNotFoundException", f"{id_} does not exist", 404)
        if "Needs" in properties:
            self._require_references(properties)
        entity.properties.update(dict(properties))
        for key, value in tags.items():
            if value is None:
                entity.tags.pop(key, None)
            else:
                entity.tags[key] = value

    def remove(self, id_: str) -> None:
        """Delete something of the stack's and what is part of it; refused while it is in use."""
        if id_ not in self.entities:
            raise refusal("ResourceNotFoundException", f"{id_} does not exist", 404)
        entity = self._ours(id_, "deleted")
        if entity.needs_disabling and entity.properties["Enabled"]:
            raise refusal("ClientException", f"{id_} must be disabled first", 400)
        users = [each.id for each in self.users_of(id_) if each.parent != id_]
        if entity.guarded and users:
            self.refused_in_use += 1
            raise refusal("ResourceInUseException", f"{id_} is used by {', '.join(users)}", 409)
        self.take_away(id_)

    def take_away(self, id_: str) -> None:
        """Have it gone with what is part of it, whoever does that."""
        for other in [each.id for each in self.entities.values() if each.parent == id_]:
            del self.entities[other]
        self.entities.pop(id_, None)

    def users_of(self, id_: str) -> Iterator[Entity]:
        """Yield what refers to it."""
        for other in self.entities.values():
            if any(_id_in(arn) == id_ for arn in other.properties.get("Needs", ())):
                yield other

    def _require_references(self, properties: Mapping[str, Any]) -> None:
        for arn in properties.get("Needs", ()):
            if _id_in(arn) not in self.entities:
                raise refusal("InvalidParameterException", f"{arn} does not exist", 400)

    def _ours(self, id_: str, what: str) -> Entity:
        entity = self.entities.get(id_)
        if entity is None:
            raise refusal("ResourceNotFoundException", f"{id_} does not exist", 404)
        if entity.of != OURS:
            raise Broken(f"{id_} of {entity.of} is {what}")
        return entity


def _id_in(arn: str) -> str:
    return arn.split(":")[1]


def refusal(code: str, message: str, status: int) -> ClientError:
    """Return an error as botocore raises it."""
    return ClientError(
        {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": status},  # type: ignore[typeddict-item]
        },
        "Call",
    )
