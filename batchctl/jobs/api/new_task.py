"""The limits of a job, as the API states them: what is cheap to check is checked before sending.

The functions check everything again, and their answer is what counts.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from batchctl.contract.job_options import NO_OPTIONS, JobOptions
from batchctl.contract.limits import (
    MAX_BODY_BYTES,
    MAX_ITEM_BYTES,
    MAX_ITEM_CHARACTERS,
    MAX_ITEMS,
    MAX_OWN_PARAMETERS_BYTES,
    MAX_PARAMETERS_BYTES,
    is_job_id,
)
from batchctl.jobs.errors import InvalidJob

ALB_BODY_BYTES = 1024 * 1024
"""Elastic Load Balancing user guide, "Use Lambda functions as targets": bodies up to 1 MB."""


@dataclass(frozen=True)
class Door:
    """What a front door lets through: bodies that `measure` at most `limit_bytes`.

    Only a load balancer hands compressed bytes on as they are.
    """

    limit_bytes: int
    measure: Callable[[bytes], int] = len
    passes_compressed: bool = False


def size_in_event(body: bytes) -> int:
    """Return how many bytes a body (in UTF-8) takes as a string in JSON: quotes are escaped."""
    return len(json.dumps(body.decode(), ensure_ascii=False).encode())


LOAD_BALANCER = Door(ALB_BODY_BYTES, passes_compressed=True)
API_GATEWAY = Door(6 * 1024 * 1024 - 32 * 1024, size_in_event)
"""API Gateway takes 10 MB, but hands the body on in an event, of which Lambda takes 6 MB (Lambda
developer guide, "Lambda quotas"). 32 KiB are left for the rest of the event: API Gateway's quotas
let headers have 10,240 bytes, which stand in it twice."""


SUBMITTING = "submit the job"

COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
"""How a request is written; made once, as an item may have parameters a million times."""

_ASCII = json.JSONEncoder(separators=(",", ":"), allow_nan=False)

Entry = str | Mapping[str, object]
"""An item as the API takes it: a string, or `{"item": …, "parameters": {…}}`."""


def check_job_id(job_id: str, doing: str = SUBMITTING) -> None:
    """Raise InvalidJob, naming what was being done, unless `job_id` can be the id of a job."""
    if not is_job_id(job_id):
        raise InvalidJob(
            "job_id",
            "must have 1 to 100 letters, digits, `_` and `-` and begin with a letter or digit, "
            f"is {job_id!r}",
            doing,
        )


def check_job(
    job_id: str,
    universe: Sequence[Entry],
    parameters: Mapping[str, object],
    options: JobOptions = NO_OPTIONS,
) -> None:
    """Raise InvalidJob, naming the field, for what no front door would take."""
    check_job_id(job_id)
    _check_universe(universe)
    _check_parameters("parameters", parameters, MAX_PARAMETERS_BYTES)
    for field, rule in options.problems():
        raise InvalidJob(field, f"{rule}, is {vars(options)[field]!r}")


def check_item(
    item: str,
    parameters: Mapping[str, object],
    own: Mapping[str, object],
    doing: str = "run the item",
) -> None:
    """Raise InvalidJob, naming what was being done, for what no job could have."""
    _check_item("item", item, doing)
    _check_parameters("parameters", parameters, MAX_PARAMETERS_BYTES, doing)
    _check_parameters("the item's parameters", own, MAX_OWN_PARAMETERS_BYTES, doing)


def item_of(entry: Entry) -> str:
    """Return the item of an entry of a universe."""
    return entry if isinstance(entry, str) else str(entry["item"])


def is_compressed(body: bytes) -> bool:
    """Tell a body that had to be compressed: no JSON begins as gzip does (RFC 1952)."""
    return body.startswith(b"\x1f\x8b")


def fitting(body: bytes, door: Door) -> bytes | None:
    """Return a body that the front door passes, with gzip where it must be; None without one."""
    if door.measure(body) <= door.limit_bytes:
        return body
    if door.passes_compressed and len(body) <= MAX_BODY_BYTES:
        compressed = gzip.compress(body, mtime=0)
        if len(compressed) <= door.limit_bytes:
            return compressed
    return None


def duplicates(items: Sequence[str]) -> dict[str, list[int]]:
    """Find the items that stand more than once, each with all its positions, from 0."""
    if len(set(items)) == len(items):
        return {}
    positions: dict[str, list[int]] = {}
    for index, item in enumerate(items):
        positions.setdefault(item, []).append(index)
    return {item: found for item, found in positions.items() if len(found) > 1}


def _check_universe(universe: Sequence[Entry]) -> None:
    if not 1 <= len(universe) <= MAX_ITEMS:
        raise InvalidJob("universe", f"must have 1 to {MAX_ITEMS:,} items, has {len(universe):,}")
    for index, entry in enumerate(universe):
        _check_entry(index, entry)
    for item, (first, second, *_) in duplicates([item_of(each) for each in universe]).items():
        raise InvalidJob(
            f"universe[{second}]", f"must be distinct: universe[{first}] is `{item}` as well"
        )


def _check_entry(index: int, entry: Entry) -> None:
    if isinstance(entry, str):
        # A million times: the full check only for what isn't plainly fine.
        if not (entry.isascii() and 0 < len(entry) <= MAX_ITEM_CHARACTERS):
            _check_item(f"universe[{index}]", entry)
        return
    field = f"universe[{index}]"
    if not isinstance(entry.get("item"), str) or not entry.keys() <= {"item", "parameters"}:
        raise InvalidJob(field, 'must be text, or `{"item": …, "parameters": {…}}`')
    _check_item(field, item_of(entry))
    own = entry.get("parameters", {})
    if not isinstance(own, Mapping):
        raise InvalidJob(f"{field}.parameters", "must be a JSON object")
    _check_parameters(f"{field}.parameters", own, MAX_OWN_PARAMETERS_BYTES)


def _check_item(field: str, item: str, doing: str = SUBMITTING) -> None:
    if not 1 <= len(item) <= MAX_ITEM_CHARACTERS:
        rule = f"must have 1 to {MAX_ITEM_CHARACTERS} characters, has {len(item)}"
        raise InvalidJob(field, rule, doing)
    try:
        size = len(item) if item.isascii() else len(item.encode())
    except UnicodeEncodeError as error:
        raise InvalidJob(field, "must be text that UTF-8 can encode", doing) from error
    if size > MAX_ITEM_BYTES:
        rule = f"must have at most {MAX_ITEM_BYTES} bytes in UTF-8, has {size}"
        raise InvalidJob(field, rule, doing)


def _check_parameters(
    field: str, parameters: Mapping[str, object], most_bytes: int, doing: str = SUBMITTING
) -> None:
    try:
        text = COMPACT.encode(parameters)
        text.encode()
        # The API counts it in ASCII.
        size = len(text) if text.isascii() else len(_ASCII.encode(parameters))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidJob(field, f"must be a JSON object: {error}", doing) from error
    if size > most_bytes:
        raise InvalidJob(field, f"must have at most {most_bytes:,} bytes, has {size:,}", doing)
