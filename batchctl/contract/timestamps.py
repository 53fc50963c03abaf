"""Points in time as texts: ISO 8601 in UTC with microseconds and `Z`, which sort as they follow."""

from __future__ import annotations

import re
from datetime import UTC, datetime

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)


def timestamp(epoch_s: float) -> str:
    """Write seconds since the epoch."""
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def seconds(text: str) -> float:
    """Read what `timestamp` wrote, as seconds since the epoch; ValueError for anything else."""
    return datetime.fromisoformat(text).timestamp()
