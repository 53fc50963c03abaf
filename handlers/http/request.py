"""A new job as it comes in: the body of `PUT /v1/new-task` read and checked.

Whatever a client sends gives a `NewTask` or a `RequestError`, never a fault of ours.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from batchctl.contract.chunks import Own, listed
from batchctl.contract.job_options import NO_OPTIONS, JobOptions
from batchctl.contract.limits import MAX_BODY_BYTES, MAX_PARAMETERS_BYTES, MAX_PARTS, is_job_id
from batchctl.contract.strict_json import Doubled, loads, marking_doubled
from handlers.http.front_door import RequestError
from handlers.http.parameters import canonical_parameters
from handlers.http.universe import Entries, universe

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.common import BaseProxyEvent

GZIP = b"\x1f\x8b"
"""How a gzip member begins (RFC 1952), and no JSON does: that tells it, without the headers."""

OPTIONS = tuple(vars(NO_OPTIONS))
FIELDS = ("job_id", "universe", "parameters", "part", *OPTIONS)
MAX_NAME_SHOWN = 100


@dataclass(frozen=True)
class Part:
    """Which part of a universe a request has, from 1 on, and of how many."""

    number: int
    of: int


@dataclass(frozen=True)
class NewTask:
    """A valid request; `parameters` is canonical JSON, as are the items' `own`, by index.

    `content_hash` covers universe and parameters: what the job computes, not how it is run.
    """

    job_id: str
    universe: Sequence[str]
    parameters: str
    content_hash: str
    options: JobOptions = NO_OPTIONS
    own: Own = field(default_factory=dict)
    part: Part | None = None


def parse(event: BaseProxyEvent) -> NewTask:
    """Read and check the body of an event; raises RequestError (400, 413) that names the field."""
    request = _json(_body(event))
    if not isinstance(request, dict):
        raise RequestError(400, "the body must be a JSON object")
    _check_fields(request)
    entries = universe(request.get("universe"))
    parameters = canonical_parameters(
        request.get("parameters", {}), "parameters", MAX_PARAMETERS_BYTES
    )
    return NewTask(
        job_id=_job_id(request.get("job_id")),
        universe=entries.items,
        parameters=parameters,
        content_hash=_content_hash(entries, parameters),
        options=_options(request),
        own=entries.own,
        part=_part(request["part"]) if "part" in request else None,
    )


def _body(event: BaseProxyEvent) -> bytes:
    """Return the bytes that the client meant; both doors may send them in base64."""
    body = event.body or ""
    try:
        content = base64.b64decode(body) if event.is_base64_encoded else body.encode()
    except (binascii.Error, UnicodeEncodeError, ValueError) as error:
        raise RequestError(400, "the body must be JSON in UTF-8") from error
    if content.startswith(GZIP):
        content = _inflated(content)
    if len(content) > MAX_BODY_BYTES:
        raise RequestError(413, f"the body has {len(content)} bytes: at most {MAX_BODY_BYTES}")
    return content


def _inflated(content: bytes) -> bytes:
    """Return what gzip has compressed, as far as we'd take it: a small body may hold gigabytes."""
    inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        inflated = inflater.decompress(content, MAX_BODY_BYTES + 1)
    except zlib.error as error:
        raise RequestError(400, f"the body can't be decompressed: {error}") from error
    if len(inflated) > MAX_BODY_BYTES:
        raise RequestError(413, f"the body has over {MAX_BODY_BYTES} bytes when decompressed")
    if not inflater.eof or inflater.unused_data:
        raise RequestError(400, "the body can't be decompressed: it is not one whole gzip member")
    return inflated


def _json(content: bytes) -> object:
    """Parse strictly: no NaN, and nothing that Python can't hold (long numbers, deep nesting)."""
    try:
        return loads(content.decode(), marking_doubled)
    except UnicodeDecodeError as error:
        raise RequestError(400, "the body must be JSON in UTF-8") from error
    except json.JSONDecodeError as error:
        raise RequestError(400, f"the body must be JSON: {error}") from error
    except (ValueError, RecursionError) as error:
        raise RequestError(
            400, "the body must be JSON without NaN, endless numbers or endless nesting"
        ) from error


def _check_fields(request: dict[str, object]) -> None:
    if isinstance(request, Doubled):
        raise RequestError(400, "is there twice", request.doubled[:MAX_NAME_SHOWN])
    unknown = next((name for name in request if name not in FIELDS), None)
    if unknown is not None:
        known = ", ".join(f"`{name}`" for name in FIELDS)
        raise RequestError(400, f"is not a field of a job: {known}", unknown[:MAX_NAME_SHOWN])
    for name in ("job_id", "universe"):
        if name not in request:
            raise RequestError(400, "is missing", name)


def _job_id(value: object) -> str:
    if not isinstance(value, str) or not is_job_id(value):
        raise RequestError(
            400,
            "must be a string of 1 to 100 letters, digits, `_` and `-` that begins with a letter "
            "or digit",
            "job_id",
        )
    return value


def _options(request: dict[str, object]) -> JobOptions:
    given: dict[str, Any] = {name: _whole(request[name]) for name in OPTIONS if name in request}
    options = JobOptions(**given)
    for name, rule in options.problems():
        raise RequestError(400, rule, name)
    return options


def _part(value: object) -> Part:
    if not isinstance(value, dict) or isinstance(value, Doubled) or set(value) != {"number", "of"}:
        raise RequestError(400, 'must be `{"number": …, "of": …}`', "part")
    part = Part(*(_count(_whole(value[name]), f"part.{name}") for name in ("number", "of")))
    if part.number > part.of:
        raise RequestError(400, f"is greater than `of`, {part.of}", "part.number")
    return part


def _count(value: object, field_name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_PARTS:
        raise RequestError(400, f"must be a whole number from 1 to {MAX_PARTS}", field_name)
    return value


def _whole(value: object) -> object:
    """Return 5 for 5.0: JSON has numbers alone, and to its schemas this one is whole."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class ContentHash:
    """The SHA-256 of the canonical JSON of parameters and universe, which comes bit by bit."""

    def __init__(self, parameters: str) -> None:
        """Begin with the parameters of the job."""
        self._digest = hashlib.sha256(f'{{"parameters":{parameters},"universe":['.encode())
        self._separator = b""

    def add(self, items: bytes) -> None:
        """Add items, as `chunks.listed` writes them."""
        self._digest.update(self._separator + items)
        self._separator = b","

    def hexdigest(self) -> str:
        """Return the hash of all that was added."""
        whole = self._digest.copy()
        whole.update(b"]}")
        return whole.hexdigest()


def _content_hash(entries: Entries, parameters: str) -> str:
    digest = ContentHash(parameters)
    digest.add(listed(entries.items, entries.own).encode())
    return digest.hexdigest()
