"""Text that a stranger wrote to deceive a terminal, and what may be left of it there."""

from __future__ import annotations

import io

from botocore.exceptions import ClientError
from job_api import counts
from terminal_commands import commanding

CLIPBOARD = "\x1b]52;c;ZWNobyBoaQ==\x07"
HOSTILE = (
    f"{CLIPBOARD}\x1b[2J\x9b1A\r\nerror: forged\n\x0bx\u2028y\u202etxt.exe\u2066\x00\x7f"
    "\u200b\U000e0041[/x][red]:smile:[link=http://x]"
)
JOB = {
    "job_id": HOSTILE,
    "status": f"FAILED{HOSTILE}",
    "created_at": "2026-11-23T10:00:00.000001Z",
    "items": 2,
    "tasks": counts(total=2, succeeded=1, failed=1),
}


def is_clean(text: str) -> bool:
    """Whether nothing but our own lines is in a text, and no line of it was forged."""
    forged = [line for line in text.split("\n") if line.startswith("error: forged")]
    return commanding(text) <= {"\n"} and not forged


class Terminal(io.StringIO):
    """A stdout that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def aws_error() -> ClientError:
    return ClientError({"Error": {"Code": HOSTILE, "Message": HOSTILE}}, "Create")
