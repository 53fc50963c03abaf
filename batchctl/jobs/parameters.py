"""The parameters of a job from the command line: `--param K=V`, repeated."""

from __future__ import annotations

import json
from collections.abc import Sequence

from batchctl.errors import UsageError


def from_options(pairs: Sequence[str]) -> dict[str, object]:
    """Read pairs: a value that is JSON (`3`, `true`, `[1]`, `"3"`) is that, any other is text.

    Raises UsageError for what isn't a pair, and for a key given twice.
    """
    parameters: dict[str, object] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageError(f"could not read `--param {pair}`: it must be `KEY=VALUE`")
        if key in parameters:
            raise UsageError(f"could not read `--param {pair}`: `{key}` is given twice")
        parameters[key] = _value(value)
    return parameters


def _value(text: str) -> object:
    try:
        return json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return text
