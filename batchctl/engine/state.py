"""The state: what this stack made, where, and under which ids; written after every resource.

A file `<name>.state.json` with the format's version, a serial, the account and region it belongs
to, the front door, and a record for each resource. Written atomically (temporary file, fsync,
rename), the previous version kept beside it as `<name>.state.json.backup`. No secrets: of a
resource's properties only the identity is kept.

A state may be shared through a symbolic link to a folder that others use too; see `real_path`.
"""

from __future__ import annotations

import dataclasses
import json
import os
import stat
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from batchctl.errors import BatchctlError
from batchctl.private_files import (
    create_private,
    narrow,
    private_folder,
    require_plain,
    unwritable,
    write_private,
)

FORMAT = 2
_SUFFIX = ".state.json"


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
    resources: Mapping[str, StateRecord] = field(default_factory=dict)
    deposed: tuple[StateRecord, ...] = ()

    def outputs(self, address: str) -> Mapping[str, Any]:
        """Return the recorded outputs of a resource, empty when there are none."""
        record = self.resources.get(address)
        return record.outputs or {} if record else {}


class StateFile:
    """The state on disk and in memory; every change is written before the method returns."""

    def __init__(self, path: Path, state: State, *, shared: bool = False) -> None:
        """Keep what was loaded; `load` is the usual way in. `shared`: a link leads to `path`."""
        self.path = path
        self.state = state
        self.shared = shared
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._written = state.serial

    @classmethod
    def load(cls, path: Path, identity: StateIdentity) -> StateFile:
        """Return the state at `path`, an empty one when there is none.

        Raises StateError when it is damaged, of a newer format, or of another identity, and
        BatchctlError when `real_path` refuses it.
        """
        return cls.of(read_state(path), path, identity)

    @classmethod
    def of(cls, state: State | None, path: Path, identity: StateIdentity) -> StateFile:
        """Return the state that `read_state` found at `path`; StateError for another place's."""
        real = real_path(path)
        if state is None:
            return cls(path, State(identity))
        _refuse_other_identity(path, state.identity, identity)
        return cls(real, state, shared=real != path)

    def remember_api(
        self, mode: str, auth: str, cidrs: tuple[str, ...] | None = None, scheme: str | None = None
    ) -> None:
        """Record the front door that `up` builds: how it is called, from where, by what scheme."""
        door = {"api_mode": mode, "api_auth": auth, "api_cidrs": cidrs, "api_scheme": scheme}
        self._change(lambda _: door)

    def remember_compute(self, contents: str | None) -> None:
        """Record the hash of the code that tasks run since `up`."""
        self._change(lambda _: {"compute": contents})

    def put(self, record: StateRecord) -> None:
        """Record a resource, or an intent."""
        self._change(lambda state: {"resources": {**state.resources, record.address: record}})

    def remove(self, address: str) -> None:
        """Forget a resource."""
        self._change(lambda state: {"resources": _without(state.resources, address)})

    def supersede(self, predecessor: StateRecord, intent: StateRecord) -> None:
        """Record the successor's intent and keep the predecessor for its deletion, in one write."""
        self._change(
            lambda state: {
                "resources": {**state.resources, intent.address: intent},
                "deposed": (*state.deposed, predecessor),
            }
        )

    def depose(self, records: tuple[StateRecord, ...]) -> None:
        """Record predecessors that were found, for their deletion; those known already once."""
        self._change(
            lambda state: {
                "deposed": (*state.deposed, *(r for r in records if r not in state.deposed))
            }
        )

    def bury(self, record: StateRecord) -> None:
        """Forget a predecessor that is deleted."""
        self._change(lambda state: {"deposed": tuple(r for r in state.deposed if r != record)})

    def discard(self) -> None:
        """Remove the file when nothing is recorded any more, and its backup with it.

        A shared one stays, empty: the links of the others lead to it.
        """
        if self.state.resources or self.state.deposed or self.shared:
            return
        self.path.unlink(missing_ok=True)
        backup_of(self.path).unlink(missing_ok=True)

    def _change(self, values: Callable[[State], dict[str, Any]]) -> None:
        with self._lock:
            changed = dataclasses.replace(self.state, **values(self.state))
            if changed != self.state:
                self.state = dataclasses.replace(changed, serial=changed.serial + 1)
            serial = self.state.serial
        self._write_up_to(serial)

    def _write_up_to(self, serial: int) -> None:
        """Return when a version that has the change `serial` is on disk.

        Changes made during a write share the next one: many resources finish at the same time, and
        each write takes a while.
        """
        with self._writing:
            if self._written >= serial:
                return
            state = self.state
            write_atomically(self.path, _as_text(_as_json(state)), self.shared)
            self._written = state.serial


def backup_of(path: Path) -> Path:
    """Return where the previous version of a state file is kept."""
    return path.with_name(path.name + ".backup")


def read_state(path: Path) -> State | None:
    """Return the state at `path`, of whatever identity; None when there is none.

    Raises as `StateFile.load` does, but for the identity.
    """
    real = real_path(path)
    return _parse(real) if real.exists() else None


def real_path(path: Path) -> Path:
    """Return where the state of `path` is kept: there, or at the target of a link of the user's.

    A link is followed only to an existing state of the same stack: users who share a state put it
    there by hand, and a link that came with a repository can make us write nothing but what a run
    of that state writes. Its lock, backup and temporary file are beside the target, so that
    everyone who shares it uses the same lock. BatchctlError for every other link, and for anything
    but a regular file.
    """
    if not path.is_symlink():
        require_plain(path)
        return path
    target = Path(os.path.realpath(path))
    stack = path.name.removesuffix(_SUFFIX)
    if _stack_at(target) != stack:
        raise StateError(
            f"could not use `{path}`: it is a symbolic link to `{target}`, which is not a state of "
            f"`{stack}`",
            hint=f"delete `{path}` if it isn't yours: it might have come with a repository; to "
            "share a state, move its file after the first `up`, then link to it from here",
        )
    return target


def _stack_at(path: Path) -> str | None:
    """Return the stack of the state at `path`; None when that is no state."""
    try:
        return _parse(path).identity.stack if stat.S_ISREG(path.stat().st_mode) else None
    except (OSError, StateError):
        return None


def write_atomically(path: Path, text: str, shared: bool = False) -> None:
    """Write a file so that a crash leaves the old or the new one; the old one stays as backup.

    Only its user can read it; a shared one keeps its mode.
    """
    if not shared:
        private_folder(path.parent)
        narrow(path)
    if not path.exists():
        write_private(path, text)
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    with unwritable(backup_of(path)):
        _keep(path, mode)
    write_private(path, text, mode)


def _keep(path: Path, mode: int) -> None:
    """Make the backup, over the previous one."""
    backup = backup_of(path)
    backup.unlink(missing_ok=True)
    try:
        os.link(path, backup, follow_symlinks=False)
    except OSError:  # a file system without hard links (exFAT, shares)
        with create_private(backup, mode) as file:
            file.write(path.read_text(encoding="utf-8"))


def _without(records: Mapping[str, StateRecord], address: str) -> dict[str, StateRecord]:
    return {key: record for key, record in records.items() if key != address}


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
        "resources": {a: vars(r) for a, r in sorted(state.resources.items())},
        "deposed": [vars(record) for record in state.deposed],
    }


def _as_text(document: Mapping[str, Any]) -> str:
    """Return the JSON with a line for each resource: all in lines of their own take ten times."""
    members = (f"  {json.dumps(key)}: {_in_lines(value)}" for key, value in document.items())
    return "{\n" + ",\n".join(members) + "\n}\n"


def _in_lines(value: Any) -> str:
    if not isinstance(value, dict) or not value:
        return json.dumps(value)
    members = (f"    {json.dumps(key)}: {json.dumps(each)}" for key, each in value.items())
    return "{\n" + ",\n".join(members) + "\n  }"


def _parse(path: Path) -> State:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["format"] > FORMAT:
            raise StateError(
                f"could not read `{path}`: its format {data['format']} is newer than this "
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
            resources={address: _record(r) for address, r in data["resources"].items()},
            # Called `retired` in format 1.
            deposed=tuple(_record(r) for r in data.get("deposed", data.get("retired", ()))),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StateError(
            f"could not read the state `{path}`: it is damaged ({error})", hint=_repair(path)
        ) from error


def _record(data: Mapping[str, Any]) -> StateRecord:
    return StateRecord(
        kind=data["kind"],
        label=data["label"],
        generation=data["generation"],
        identity=data["identity"],
        outputs=data["outputs"],
        dependencies=tuple(data["dependencies"]),
        tag_keys=tuple(data["tag_keys"]),
    )


def _repair(path: Path) -> str:
    backup = backup_of(path)
    without = f"move `{path.name}` away: `batchctl up` then finds every resource by name and tag"
    if backup.exists():
        return f"restore it from the backup `{backup}`, or {without}"
    return without


def _refuse_other_identity(path: Path, recorded: StateIdentity, actual: StateIdentity) -> None:
    for what in ("stack", "account", "region"):
        was, now = getattr(recorded, what), getattr(actual, what)
        if was != now:
            raise StateError(
                f"could not use `{path}`: it belongs to {what} `{was}`, this run is for `{now}`",
                hint=f"switch to {what} `{was}`, or use another folder for `{now}`",
            )
