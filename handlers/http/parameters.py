"""Parameters of a request, a job's or an item's own, checked and in one spelling."""

from __future__ import annotations

import json

from batchctl.contract.chunks import canonical
from batchctl.contract.limits import MAX_PARAMETERS_DEPTH
from batchctl.contract.strict_json import Doubled, inner_values, is_within
from handlers.http.front_door import RequestError


def canonical_parameters(value: object, field: str, most_bytes: int) -> str:
    """Return parameters as canonical JSON: sorted keys, no spaces, ASCII.

    Raises RequestError (400), which names `field`.
    """
    if not isinstance(value, dict):
        raise RequestError(400, "must be a JSON object", field)
    if not is_within(value, MAX_PARAMETERS_DEPTH):
        raise RequestError(400, f"is nested more than {MAX_PARAMETERS_DEPTH} levels deep", field)
    if _has_doubled(value):
        raise RequestError(400, "has an object with the same key twice", field)
    try:
        json.dumps(value, ensure_ascii=False).encode()
        found = canonical(value)
    except UnicodeEncodeError as error:
        raise RequestError(400, "has half of a surrogate pair", field) from error
    except ValueError as error:  # 1e999 is read as infinity
        raise RequestError(400, "has a number beyond bounds", field) from error
    if len(found) > most_bytes:
        raise RequestError(400, f"has {len(found)} bytes of JSON: at most {most_bytes}", field)
    return found


def _has_doubled(value: object) -> bool:
    """Whether an object has a key twice, at any depth."""
    level = [value]
    while level:
        if any(isinstance(each, Doubled) for each in level):
            return True
        level = inner_values(level)
    return False
