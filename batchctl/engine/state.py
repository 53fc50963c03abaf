"""The state: what this stack made, where, and under which ids; written after every resource.

A document with the format's version, a serial, the account and region it belongs to, the front
door, and a record for each resource (`state_document`). It is kept in a file, or in S3 for those
who share a stack (`stores`).
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from batchctl.engine.state_document import (
    FORMAT,
    State,
    StateError,
    StateIdentity,
    StateRecord,
)
from batchctl.engine.state_on_disk import backup_of, read_state, real_path, write_atomically
from batchctl.engine.stores import LocalStore, StateStore

__all__ = [
    "FORMAT",
    "State",
    "StateError",
    "StateFile",
    "StateIdentity",
    "StateRecord",
    "StateStore",
    "backup_of",
    "read_state",
    "real_path",
    "write_atomically",
]


class StateFile:
    """The state where it is kept and in memory; every change is written before a method returns."""

    def __init__(self, place: Path | StateStore, state: State) -> None:
        """Keep what was loaded from a file, or another store; `load` is the usual way in."""
        self.store = LocalStore(place) if isinstance(place, Path) else place
        self.state = state
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._written = state.serial

    @classmethod
    def load(cls, place: Path | StateStore, identity: StateIdentity) -> StateFile:
        """Return the state that is kept there, an empty one when there is none.

        Raises StateError when it is damaged, of a newer format, or of another identity, and
        BatchctlError when `real_path` refuses it.
        """
        store = LocalStore(place) if isinstance(place, Path) else place
        return cls.of(store.read(), store, identity)

    @classmethod
    def of(cls, state: State | None, store: StateStore, identity: StateIdentity) -> StateFile:
        """Return the state that the store had; StateError for another place's."""
        if state is None:
            return cls(store, State(identity))
        _refuse_other_identity(store.name, state.identity, identity)
        return cls(store, state)

    @property
    def path(self) -> Path:
        """The file of a state that is one; TypeError for any other."""
        if not isinstance(self.store, LocalStore):
            raise TypeError(f"`{self.store.name}` is no file")
        return self.store.real

    def count_from(self, serial: int) -> None:
        """Give the next version a later serial than this one."""
        with self._lock:
            later = max(self.state.serial, serial)
            self.state = dataclasses.replace(self.state, serial=later)
            self._written = max(self._written, later)

    def remember_api(
        self, mode: str, auth: str, cidrs: tuple[str, ...] | None = None, scheme: str | None = None
    ) -> None:
        """Record the front door that `up` builds: how it is called, from where, by what scheme."""
        door = {"api_mode": mode, "api_auth": auth, "api_cidrs": cidrs, "api_scheme": scheme}
        self._change(lambda _: door)

    def remember_stack(self, origin: str | None, version: str, *, protected: bool) -> None:
        """Record whose the stack is, which version builds it, and whether it is protected."""
        self._change(lambda _: {"origin": origin, "version": version, "protected": protected})

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

        A shared one stays, empty: the others look for it there.
        """
        if not self.state.is_used and not self.store.is_shared:
            self.store.discard()

    def _change(self, values: Callable[[State], dict[str, Any]]) -> None:
        with self._lock:
            changed = dataclasses.replace(self.state, **values(self.state))
            if changed != self.state:
                self.state = dataclasses.replace(changed, serial=changed.serial + 1)
            serial = self.state.serial
        self._write_up_to(serial)

    def _write_up_to(self, serial: int) -> None:
        """Return when a version that has the change `serial` is written.

        Changes made during a write share the next one: many resources finish at the same time, and
        each write takes a while.
        """
        with self._writing:
            if self._written >= serial:
                return
            state = self.state
            self.store.write(state)
            self._written = state.serial


def _without(records: Mapping[str, StateRecord], address: str) -> dict[str, StateRecord]:
    return {key: record for key, record in records.items() if key != address}


def _refuse_other_identity(name: str, recorded: StateIdentity, actual: StateIdentity) -> None:
    for what in ("stack", "account", "region"):
        was, now = getattr(recorded, what), getattr(actual, what)
        if was != now:
            raise StateError(
                f"could not use `{name}`: it belongs to {what} `{was}`, this run is for `{now}`",
                hint=f"switch to {what} `{was}`, or use another folder for `{now}`",
            )
