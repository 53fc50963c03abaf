"""The log of the functions: one JSON object a line, in ASCII, so that nothing in it can pose.

Powertools writes characters beyond ASCII as they are (its `ensure_ascii` is off): a client's bidi
and C1 control characters would reach the terminal of whoever reads the log. Here they are escaped,
as JSON escapes line ends and ESC anyway.
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger

from batchctl.contract.fields import quoted


def line(entry: dict[str, Any]) -> str:
    """Write an entry as one line of printable ASCII; what JSON doesn't know by its `str`."""
    return quoted(entry)


logger = Logger(json_serializer=line)
