"""Where a state is kept: in a file of one folder, or where all who share a stack reach it.

Both keep one contract, and the same tests: what was written is read, the version before is kept,
one run at a time holds the lock, and who lost it writes no more.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import Protocol

from batchctl.engine import lock
from batchctl.engine.lock import Held
from batchctl.engine.state_document import State, as_text
from batchctl.engine.state_on_disk import backup_of, read_state, real_path, write_atomically


class StateStore(Protocol):
    """Where one state is kept."""

    @property
    def name(self) -> str:
        """How messages call it: a path, or an address in S3."""
        ...

    @property
    def is_shared(self) -> bool:
        """Whether others look for it there, so that it stays when nothing is recorded any more."""
        ...

    def read(self) -> State | None:
        """Return the state; None when there is none. StateError when it is damaged."""
        ...

    def write(self, state: State) -> None:
        """Write it whole, so that nobody ever reads a part; Unwritable when that can't be done."""
        ...

    def discard(self) -> None:
        """Remove it, and its backup."""
        ...

    def locked(self) -> AbstractContextManager[None]:
        """Hold the lock for the block; Locked when another run has it."""
        ...

    def held(self) -> Held | None:
        """Return the lock that blocks the next run; None when there is none."""
        ...

    def free(self) -> None:
        """Free the lock, whoever holds it."""
        ...


class LocalStore:
    """A file beside config.yaml, or the one that a link of the user's leads to."""

    def __init__(self, path: Path) -> None:
        """Look at nothing yet."""
        self.link = path

    @property
    def name(self) -> str:
        """The path, as the user knows it."""
        return str(self.link)

    @cached_property
    def real(self) -> Path:
        """The file itself; BatchctlError for a link that isn't followed."""
        return real_path(self.link)

    @property
    def is_shared(self) -> bool:
        """Whether a link leads to it: others have such links, too."""
        return self.real != self.link

    def read(self) -> State | None:
        """Return what the file has."""
        return read_state(self.link)

    def write(self, state: State) -> None:
        """Write the file, and keep the version before beside it."""
        write_atomically(self.real, as_text(state), self.is_shared)

    def discard(self) -> None:
        """Delete the file, and its backup."""
        real = self.real
        real.unlink(missing_ok=True)
        backup_of(real).unlink(missing_ok=True)

    def locked(self) -> AbstractContextManager[None]:
        """Hold the operating system's lock on a file beside it."""
        return lock.locked(self.link)

    def held(self) -> Held | None:
        """Return who has it, as far as that is known here."""
        return lock.held(self.link)

    def free(self) -> None:
        """Let the next run make a lock of its own."""
        lock.free(self.link)
