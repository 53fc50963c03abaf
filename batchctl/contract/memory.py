"""Sizes of memory as people write them: `4096` (MiB), `4096MiB`, `4GiB`."""

from __future__ import annotations

import re

PATTERN = r"[0-9]{1,9} ?(MiB|M|GiB|G)?"
_SIZE = re.compile(r"([0-9]{1,9}) ?(MIB|M|GIB|G)?", re.ASCII | re.IGNORECASE)
_MEBIBYTES = {"M": 1, "G": 1024}


def mebibytes(text: str) -> int | None:
    """Return a size in MiB, in which one without a unit is; None for what is no size."""
    found = _SIZE.fullmatch(text.strip())
    return int(found[1]) * _MEBIBYTES[(found[2] or "M")[0].upper()] if found else None
