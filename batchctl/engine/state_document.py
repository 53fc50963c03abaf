"""What is recorded of a stack, and the JSON document that it is kept as, wherever that is.

No secrets: of a resource's properties only the identity is kept, and for how long it keeps things.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from batchctl.errors import BatchctlError

# 3: an origin, which older versions would take out of the mark.
FORMAT = 3


class StateError(BatchctlError):
    """The state can't be used: damaged, newer than this program, or of another account."""

    code = "state"


@dataclass(frozen=True)
class StateRecord:
    """One resource in the state.

    Without `outputs` it is an intent: a create was about to start, and may have taken effect or
    not; `identity` finds the resource if it has.
    """

    kind: str
    label: str
    generation: int = 1
    identity: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] | None = None
    dependencies: tuple[str, ...] = ()
    tag_keys: tuple[str, ...] = ()
    # For how long it was to keep things, by the paths of these properties.
    retentions: Mapping[str, Any] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """The resource's address, `kind.label`."""
        return f"{self.kind}.{self.label}"


@dataclass(frozen=True)
class StateIdentity:
    """The stack, account and region that a state belongs to; it is used for no other."""

    stack: str
    account: str
    region: str


@dataclass(frozen=True)
class State:
    """All that is recorded; `deposed` are predecessors that are still to be deleted."""

    identity: StateIdentity
    serial: int = 0
    api_mode: str | None = None
    api_auth: str | None = None
    # What was agreed to let in; None in a state from before it was recorded.
    api_cidrs: tuple[str, ...] | None = None
    api_scheme: str | None = None
    # The hash of the code that tasks run; None where none of ours was brought up.
    compute: str | None = None
    # Who made the stack, as in its mark; None in a state from before there was one.
    origin: str | None = None
    # The batchctl that built it last, and whether it may be taken down.
    version: str | None = None
    protected: bool = False
    resources: Mapping[str, StateRecord] = field(default_factory=dict)
    deposed: tuple[StateRecord, ...] = ()

    @property
    def is_used(self) -> bool:
        """Whether anything is recorded, be it still to be deleted."""
        return bool(self.resources or self.deposed)

    def outputs(self, address: str) -> Mapping[str, Any]:
        """Return the recorded outputs of a resource, empty when there are none."""
        record = self.resources.get(address)
        return record.outputs or {} if record else {}


def as_text(state: State, **more: Any) -> str:
    """Return the document of a state, with `more` at its top, which is none of it."""
    return text_of({**_as_json(state), **more})


def text_of(document: Mapping[str, Any]) -> str:
    """Return the JSON with a line for each resource: all in lines of their own take ten times."""
    members = (f"  {json.dumps(key)}: {_in_lines(value)}" for key, value in document.items())
    return "{\n" + ",\n".join(members) + "\n}\n"


def _in_lines(value: Any) -> str:
    if not isinstance(value, dict) or not value:
        return json.dumps(value)
    members = (f"    {json.dumps(key)}: {json.dumps(each)}" for key, each in value.items())
    return "{\n" + ",\n".join(members) + "\n  }"


def _as_json(state: State) -> dict[str, Any]:
    # Records as they are: a copy of each (`asdict`) takes as long as writing the file.
    return {
        "format": FORMAT,
        "serial": state.serial,
        **dataclasses.asdict(state.identity),
        "api_mode": state.api_mode,
        "api_auth": state.api_auth,
        "api_cidrs": state.api_cidrs,
        "api_scheme": state.api_scheme,
        "compute": state.compute,
        "origin": state.origin,
        "version": state.version,
        "protected": state.protected,
        "resources": {a: vars(r) for a, r in sorted(state.resources.items())},
        "deposed": [vars(record) for record in state.deposed],
    }


def parsed(text: str, name: str, hint: str) -> State:
    """Return the state of a document; StateError when it is damaged, or of a newer format.

    `name` is where it was, `hint` how to repair it.
    """
    try:
        return _state(json.loads(text), name)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StateError(
            f"could not read the state `{name}`: it is damaged ({error})", hint=hint
        ) from error


def _state(data: Mapping[str, Any], name: str) -> State:
    if data["format"] > FORMAT:
        raise StateError(
            f"could not read `{name}`: its format {data['format']} is newer than this "
            "version of batchctl",
            hint="install the version of batchctl that wrote it, or a newer one",
        )
    return State(
        identity=StateIdentity(data["stack"], data["account"], data["region"]),
        serial=data["serial"],
        api_mode=data["api_mode"],
        api_auth=data["api_auth"],
        api_cidrs=None if (cidrs := data.get("api_cidrs")) is None else tuple(cidrs),
        api_scheme=data.get("api_scheme"),
        compute=data.get("compute"),
        origin=data.get("origin"),
        version=data.get("version"),
        protected=data.get("protected", False),
        resources={address: _record(r) for address, r in data["resources"].items()},
        # Called `retired` in format 1.
        deposed=tuple(_record(r) for r in data.get("deposed", data.get("retired", ()))),
    )


def _record(data: Mapping[str, Any]) -> StateRecord:
    return StateRecord(
        kind=data["kind"],
        label=data["label"],
        generation=data["generation"],
        identity=data["identity"],
        outputs=data["outputs"],
        dependencies=tuple(data["dependencies"]),
        tag_keys=tuple(data["tag_keys"]),
        retentions=data.get("retentions", {}),
    )
