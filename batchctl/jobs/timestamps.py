"""Points in time from the command line: `10m` ago, or a date and time."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from batchctl.errors import UsageError

AGO = re.compile(r"(\d{1,6})([smhd])")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def since(text: str, now_s: float) -> int:
    """Read `30s`, `10m`, `2h`, `1d` (before now) or ISO 8601, as milliseconds since the epoch.

    `now_s` is seconds since the epoch. A date and time without a zone is of this machine's.
    Raises UsageError for anything else.
    """
    ago = AGO.fullmatch(text)
    if ago:
        return int((now_s - int(ago[1]) * SECONDS[ago[2]]) * 1000)
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1000)
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(
            f"could not read `--since {text}`: it is not a time",
            hint="give `30s`, `10m`, `2h`, `1d`, or a date and time as 2026-11-23T21:00",
        ) from error


def iso(epoch_ms: int) -> str:
    """Write milliseconds since the epoch as ISO 8601 in UTC, to the millisecond."""
    time = datetime.fromtimestamp(epoch_ms / 1000, UTC)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
