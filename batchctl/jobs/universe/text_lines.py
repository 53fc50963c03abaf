"""A universe as text: an item a line."""

from __future__ import annotations

import re

from batchctl.jobs.universe.rows import Rows

COMMENT = "#"
_LINE_END = re.compile(r"\r\n|\n|\r")
"""Not str.splitlines: it splits at form feeds and the like, too, which an item may have."""


def read_lines(text: str, comment: str) -> Rows:
    """Read one item a line, whatever ends the lines: those of Unix, Windows and old Macs.

    Whitespace around items is dropped, as are blank lines and those that begin with `comment`.
    """
    items, lines, comments = list[str](), list[int](), 0
    for number, line in enumerate(_LINE_END.split(text), start=1):
        item = line.strip()
        if comment and item.startswith(comment):
            comments += 1
        elif item:
            items.append(item)
            lines.append(number)
    return Rows(items, lines, comments=comments, comment=comment)
