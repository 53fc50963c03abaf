"""What of a text a terminal obeys instead of showing it."""

from __future__ import annotations

import unicodedata

JOINERS = "\u200c\u200d"


def commanding(text: str) -> set[str]:
    """What in a text a terminal obeys, or nobody sees, but joiners."""
    bad = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    return {each for each in text if unicodedata.category(each) in bad} - set(JOINERS)
