"""The states of a folder, or of a bucket, each read once however often it is asked for."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from batchctl.engine.state import State, StateStore, read_state
from batchctl.engine.stores import LocalStore
from batchctl.errors import BatchctlError

_SUFFIX = ".state.json"


@dataclass(frozen=True)
class OtherStack:
    """A stack of another name whose state is in the folder: where, and how much it records."""

    path: Path
    name: str
    resources: int


@dataclass(frozen=True)
class RecordedStates:
    """What was recorded when it was first asked for; `forget` makes it be read again."""

    folder: Path
    _read: dict[Path, State | None] = field(default_factory=dict)

    def path_of(self, name: str) -> Path:
        """Return where the state of the application `name` is, or will be."""
        return self.folder / f"{name}{_SUFFIX}"

    def store_of(self, name: str) -> StateStore:
        """Return where the state of the application `name` is kept."""
        return LocalStore(self.path_of(name))

    def of(self, name: str) -> State | None:
        """Return the state of the application `name`; None when there is none.

        Raises as `read_state` does.
        """
        return self._at(self.path_of(name))

    def only(self) -> tuple[Path, State] | None:
        """Return the state of this folder and its path; None when there is none, or several."""
        found = sorted(self.folder.glob(f"*{_SUFFIX}"))
        state = self._at(found[0]) if len(found) == 1 else None
        return (found[0], state) if state else None

    def others(self, name: str) -> tuple[tuple[Path, State], ...]:
        """Return the states of other stacks beside that of `name` which record anything.

        What can't be read is left out: it is no stack that anyone would build on.
        """
        found = []
        for path in sorted(self.folder.glob(f"*{_SUFFIX}")):
            with suppress(BatchctlError, OSError):
                state = self._at(path) if path != self.path_of(name) else None
                if state and (state.resources or state.deposed):
                    found.append((path, state))
        return tuple(found)

    def forget(self) -> None:
        """Have the states read anew: another run may have written them."""
        self._read.clear()

    def _at(self, path: Path) -> State | None:
        if path not in self._read:
            self._read[path] = read_state(path)
        return self._read[path]
