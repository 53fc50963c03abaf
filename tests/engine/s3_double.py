"""S3's objects as its documentation says: conditional writes, one after the other.

Amazon S3 API Reference, PutObject (`If-Match`, `If-None-Match`: 412 PreconditionFailed, 404
NoSuchKey) and GetObject.
"""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError


@dataclass
class Bucket:
    """A bucket's objects and all their versions; `lost` is how many answers to writes get lost."""

    objects: dict[str, bytes] = field(default_factory=dict)
    versions: list[tuple[str, bytes]] = field(default_factory=list)
    lost: int = 0
    conflicts: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get_object(self, **parameters: Any) -> Mapping[str, Any]:
        with self._lock:
            body = self.objects.get(parameters["Key"])
        if body is None:
            raise _error("NoSuchKey", 404, "GetObject")
        return {"Body": io.BytesIO(body), "ETag": _etag(body)}

    def put_object(self, **parameters: Any) -> Mapping[str, Any]:
        with self._lock:
            self._require(parameters)
            key, body = parameters["Key"], parameters["Body"]
            self.objects[key] = body
            self.versions.append((key, body))
            if self.lost:
                self.lost -= 1
                # The client sends it again, as it may, and S3 finds that the object has changed.
                self._require(parameters)
                raise ReadTimeoutError(endpoint_url="https://s3")
        return {"ETag": _etag(body)}

    def _require(self, parameters: Mapping[str, Any]) -> None:
        """Raise what S3 answers when the condition isn't met."""
        if self.conflicts:
            self.conflicts -= 1
            raise _error("ConditionalRequestConflict", 409, "PutObject")
        there = self.objects.get(parameters["Key"])
        if "IfNoneMatch" in parameters and there is not None:
            raise _error("PreconditionFailed", 412, "PutObject")
        if "IfMatch" in parameters:
            if there is None:
                raise _error("NoSuchKey", 404, "PutObject")
            if _etag(there) != parameters["IfMatch"]:
                raise _error("PreconditionFailed", 412, "PutObject")


def _etag(body: bytes) -> str:
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'


def _error(code: str, status: int, operation: str) -> ClientError:
    said: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(said, operation)
