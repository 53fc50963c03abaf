"""Cells of CSV that a spreadsheet would run as formulas, made harmless (CSV injection, CWE-1236).

A formula may start a cell (OWASP, "CSV Injection": `=`, `+`, `-`, `@`, tab, carriage return, and
the full-width forms, which some read as the same). It may also stand within one, behind what
another country's spreadsheet takes for the end of a cell: a semicolon, a tab, a quote.
"""

from __future__ import annotations

import re

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_ENDS_CELL = r"[;,|\t\r\n\"]"
# What may begin a formula, unless it is the sign of a number that fills the cell.
_FORMULA = re.compile(
    rf"(?P<before>^[\t\r\n]*|(?:{_ENDS_CELL}))(?P<space>\s*)"
    rf"(?!{_NUMBER}\s*(?:$|[\]}}]|{_ENDS_CELL}))(?=[=+\-@\uff1d\uff0b\uff0d\uff20])"
)


def defused(cell: str) -> str:
    """Return the cell with `'` before all that may be run as a formula; numbers stay as they are.

    A cell that begins with a tab, a carriage return or a line feed gets one as well.
    """
    text = _FORMULA.sub(r"\g<before>'\g<space>", cell)
    return f"'{text}" if text[:1] in {"\t", "\r", "\n"} else text
