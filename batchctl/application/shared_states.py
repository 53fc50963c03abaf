"""The states of a bucket, for all who share the stacks in them (`state: s3://…`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from batchctl.application.recorded import RecordedStates
from batchctl.engine.state import State, StateStore

if TYPE_CHECKING:
    from batchctl.aws.session import Aws


@dataclass(frozen=True)
class SharedStates(RecordedStates):
    """The states below an address in S3, by account and region; `folder` has none of them."""

    address: str = ""
    aws: Aws | None = None
    _stores: dict[str, StateStore] = field(default_factory=dict)
    _found: dict[str, State | None] = field(default_factory=dict)

    def store_of(self, name: str) -> StateStore:
        """Return the object of an application; the same for all that this run does with it."""
        from batchctl.engine.s3_store import S3Store  # noqa: PLC0415 - loads boto3

        if name not in self._stores and self.aws is not None:
            bucket, _, prefix = self.address.removeprefix("s3://").partition("/")
            parts = (prefix, self.aws.account, self.aws.region, f"{name}.state.json")
            key = "/".join(filter(None, parts))
            self._stores[name] = S3Store(self.aws.s3, bucket, key, self.aws.clock)
        return self._stores[name]

    def of(self, name: str) -> State | None:
        """Return the state of an application; None when there is none."""
        if name not in self._found:
            self._found[name] = self.store_of(name).read()
        return self._found[name]

    def forget(self) -> None:
        """Have the states read anew: another run may have written them."""
        self._found.clear()
