"""A state in S3, for all who share a stack: one object, which has the lock as well.

Every write is a conditional one (Amazon S3 user guide, "How to prevent object overwrites with
conditional writes"): it takes effect only if the object is still what this run wrote, or read,
last. Whoever takes the lock, or frees it, changes the object. So a run that was paused, and whose
lock has been freed meanwhile, can't write any more when it comes back: it ends.

The version before a run is kept beside it as `….backup`; a bucket with versioning keeps them all.
"""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from batchctl.aws.clock import Clock
from batchctl.aws.errors import code_of, explain
from batchctl.engine.lock import Held, Holder, Locked, lives_here, this_run
from batchctl.engine.state_document import State, StateError, as_text, parsed, text_of
from batchctl.errors import BatchctlError, Unwritable

LOCK = "lock"
# Another write of the same object is under way (the user guide as above): it is tried again.
CONFLICT = "ConditionalRequestConflict"
# The object is another one than was expected, or is gone.
CHANGED = frozenset({"PreconditionFailed", "NoSuchKey"})
TRIES, PAUSE_S = 5, 0.5


class S3Objects(Protocol):
    """What is used of S3's client."""

    def get_object(self, **parameters: Any) -> Mapping[str, Any]:
        """Read an object."""
        ...

    def put_object(self, **parameters: Any) -> Mapping[str, Any]:
        """Write an object."""
        ...


@dataclass(frozen=True)
class _Version:
    """The object as it is there: its text, None for none, and the tag that stands for it."""

    text: str | None = None
    etag: str | None = None


class S3Store:
    """The state of one stack in a bucket."""

    is_shared = True

    def __init__(self, s3: S3Objects, bucket: str, key: str, clock: Clock | None = None) -> None:
        """Read nothing yet."""
        self._s3, self._bucket, self._key = s3, bucket, key
        self._clock = clock or Clock()
        self._last = _Version()
        self._lock: dict[str, str] | None = None

    @property
    def name(self) -> str:
        """The address of the object."""
        return f"s3://{self._bucket}/{self._key}"

    def read(self) -> State | None:
        """Return the state; None when there is none. Locked when this run has lost its lock."""
        found = self._fetch()
        if self._lock is not None and _lock_of(found.text) != self._lock:
            raise Locked(f"could not go on with `{self.name}`: its lock was freed", hint=_WAIT)
        self._last = found
        return self._state(found)

    def write(self, state: State) -> None:
        """Write the state, if nobody else has since this run wrote or read it last."""
        try:
            self._put(as_text(state, **{LOCK: self._lock}))
        except Locked as error:
            raise Unwritable(
                f"could not write the state `{self.name}`: {error.message}",
                hint="run the command again when that run has ended: it reads first what is there",
            ) from error
        except BatchctlError as error:
            raise Unwritable(error.message, hint=error.hint) from error

    def discard(self) -> None:
        """Leave it, empty: the others look for it there."""

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock for the block; Locked when another run has it.

        The lock of a run of this host that was killed is taken over.
        """
        before = self._fetch()
        holder = _holder(before.text)
        if holder is not None and not _is_gone(holder):
            raise Locked(f"could not lock `{self.name}`: {holder}", hint=_WAIT)
        if before.text is not None:
            self._put_backup(before.text)
        self._last, self._lock = before, {**asdict(this_run()), "run": secrets.token_hex(8)}
        self._put(_with_lock(before.text, self._lock))
        try:
            yield
        finally:
            self._release()

    def held(self) -> Held | None:
        """Return the lock that blocks the next run; None when there is none."""
        holder = _holder(self._fetch().text)
        if holder is None or _is_gone(holder):
            return None
        return Held(holder, alive=lives_here(holder))

    def free(self) -> None:
        """Free the lock, whoever holds it: what that run still writes is refused."""
        self._last = self._fetch()
        if self._last.text is not None:
            self._put(_with_lock(self._last.text, None))

    def _release(self) -> None:
        """Free the lock, unless it is another run's by now; what can't be freed is left."""
        self._lock = None
        try:
            self._put(_with_lock(self._last.text, None))
        except (BatchctlError, ClientError, BotoCoreError):
            return

    def _state(self, version: _Version) -> State | None:
        """Return what a version of the object records; None when that is a lock alone."""
        if version.text is None:
            return None
        try:
            if json.loads(version.text).keys() <= {LOCK}:
                return None
        except (ValueError, AttributeError):
            pass
        hint = f"restore `{self.name}.backup`, or an older version of the object"
        return parsed(version.text, self.name, hint)

    def _fetch(self) -> _Version:
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=self._key)
            return _Version(answer["Body"].read().decode(), answer["ETag"])
        except UnicodeDecodeError as error:
            raise StateError(f"could not read the state `{self.name}`: {error}") from error
        except (ClientError, BotoCoreError) as error:
            if isinstance(error, ClientError) and code_of(error) == "NoSuchKey":
                return _Version()
            raise self._failed("read", error) from error

    def _put(self, text: str) -> None:
        """Write the object if it is still the one of last time; Locked when it isn't."""
        condition = {"IfMatch": self._last.etag} if self._last.etag else {"IfNoneMatch": "*"}
        for left in reversed(range(TRIES)):
            try:
                answer = self._s3.put_object(
                    Bucket=self._bucket, Key=self._key, Body=text.encode(), **condition
                )
            except (ClientError, BotoCoreError) as error:
                code = code_of(error) if isinstance(error, ClientError) else ""
                if code == CONFLICT and left:
                    self._clock.pause(PAUSE_S)
                    continue
                if code in CHANGED | {CONFLICT}:
                    self._require_own(text)
                    return
                raise self._failed("write", error) from error
            self._last = _Version(text, answer["ETag"])
            return

    def _require_own(self, text: str) -> None:
        """Raise Locked unless the object is what was to be written: an answer can be lost."""
        found = self._fetch()
        if found.text != text:
            holder = _holder(found.text)
            said = str(holder) if holder else "another run has written it since"
            raise Locked(f"could not write `{self.name}`: {said}", hint=_WAIT)
        self._last = found

    def _put_backup(self, text: str) -> None:
        try:
            self._s3.put_object(Bucket=self._bucket, Key=f"{self._key}.backup", Body=text.encode())
        except (ClientError, BotoCoreError) as error:
            raise self._failed("write", error) from error

    def _failed(self, verb: str, error: ClientError | BotoCoreError) -> BatchctlError:
        message, hint = explain(error)
        return BatchctlError(f"could not {verb} the state `{self.name}`: {message}", hint=hint)


_WAIT = "wait for that run to end; if it is gone, free the lock with `batchctl unlock`"


def _is_gone(holder: Holder) -> bool:
    """Whether it was a run of this host that has ended without freeing its lock."""
    return holder.host == socket.gethostname() and not lives_here(holder)


def _holder(text: str | None) -> Holder | None:
    """Return who holds the lock by the object's text; None for nobody."""
    try:
        noted = _lock_of(text)
        return Holder(**{key: value for key, value in noted.items() if key != "run"})
    except (TypeError, AttributeError):
        return None


def _lock_of(text: str | None) -> Any:
    """Return the lock as the object has it; None without one, and where it is damaged."""
    try:
        return json.loads(text or "{}").get(LOCK)
    except (ValueError, AttributeError):
        return None


def _with_lock(text: str | None, lock: Mapping[str, str] | None) -> str:
    """Return the object's text with another lock; one that is damaged is left to who reads it."""
    try:
        document = json.loads(text or "{}")
        return text_of({**document, LOCK: lock})
    except (ValueError, TypeError) as error:
        raise StateError("could not lock the state: it is damaged") from error
