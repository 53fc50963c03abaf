"""What a record of the state is in this program: its class, and its outputs as that has them.

Apart from the state: whoever only reads that needs no resource, and no boto3.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from batchctl.engine.state import StateError, StateRecord
from batchctl.resource import Outputs, Resource


def kind_of(record: StateRecord) -> type[Resource[Any]]:
    """Return the class of a record's kind; StateError when this program doesn't know it."""
    try:
        return Resource.kinds[record.kind]
    except KeyError as error:
        raise StateError(
            f"could not read `{record.address}` in the state: unknown kind `{record.kind}`",
            hint="another version of batchctl wrote it: use that version or a newer one",
        ) from error


def outputs_of(record: StateRecord) -> Outputs | None:
    """Return a record's outputs as the kind's class; None for an intent.

    None, too, for a record of an older version that lacks one of today's outputs: `identity` finds
    the resource, and what AWS says of it completes the record.
    """
    kind = kind_of(record).outputs
    fields = {each.name for each in dataclasses.fields(kind)}
    if record.outputs is None or not fields <= record.outputs.keys():
        return None
    values = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in record.outputs.items()
        if key in fields
    }
    return _build(kind, values)


def _build(kind: Callable[..., Outputs], values: Mapping[str, Any]) -> Outputs:
    return kind(**values)
