r"""What people may be shown of a text that others wrote.

Items, results, errors, log lines and AWS's own texts may hold characters that command a terminal
(ESC, and with it the clipboard), forge lines (CR, LF, U+2028), turn text round (bidirectional
controls) or can't be seen at all. They are shown as Python spells them: `\x1b`, `\u202e`. All
else stays as it is, the backslash too: `--json` tells a backslash that stood there from ours.

Sources: Unicode Standard, chapter 23 (special areas and format characters), DerivedCoreProperties
(Default_Ignorable_Code_Point), UAX #9 and UTR #36, section 2; for joiners RFC 5892, appendix A.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

# Controls, surrogates, private use, line and paragraph separators, format characters (among them
# bidirectional controls and tags), whatever else is invisible by default, noncharacters.
_HIDDEN = (
    r"\x00-\x1f\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2"
    r"\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164"
    r"\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    r"\U000110bd\U000110cd\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\U000e0000-\U000e0fff\U000f0000-\U0010ffff"
    + "".join(rf"\U{plane:04x}fffe\U{plane:04x}ffff" for plane in range(1, 15))
)
_ONE_HIDDEN = re.compile(f"[{_HIDDEN}]")
_SHORT = {"\t": r"\t", "\n": r"\n", "\r": r"\r"}
_JOINERS = "\u200c\u200d"
_KEYCAP = "\u20e3"
_EMOJI_STYLE = "\ufe0f"
_VIRAMA = 9
"""Its canonical combining class (Unicode Standard, section 4.3)."""
_SYMBOLS = ("So", "Sm", "Sk", "Po", "Pd", "Cn")
"""Categories of pictographs and skin tones; Cn are those newer than this Python."""
# SGR (ECMA-48, 8.3.117): colours, weight, underline, reverse; neither blinking nor concealed.
_STYLE = r"(?:[0-479]|2[1-79]|[34][0-79]|9[0-7]|10[0-7]|[34]8;5;\d{1,3}|[34]8;2(?:;\d{1,3}){3})?"
_COLOUR = re.compile(rf"\x1b\[{_STYLE}(?:;{_STYLE})*m")
_RESET = "\x1b[0m"


def visible(text: str, *, keep: str = "") -> str:
    """Return the text with each character escaped that isn't shown as itself, but those in `keep`.

    Without `keep` the answer is one line, whatever the text holds.
    """
    return _escaped(text, keep, _spelled)


def visible_json(document: str) -> str:
    r"""Return the same JSON with `\u` escapes for what isn't shown as itself within its strings."""
    return _escaped(document, "\n", _spelled_in_json)


def visible_log(line: str, *, colours: bool) -> str:
    """Return a line of a log as `visible` does, with its tabs and without its colours.

    With `colours` they stay, and end where the line ends.
    """
    if not colours or not (found := _COLOUR.findall(line)):
        return visible(_COLOUR.sub("", line), keep="\t")
    first, *texts = (visible(part, keep="\t") for part in _COLOUR.split(line))
    coloured = (f"{colour}{text}" for colour, text in zip(found, texts, strict=True))
    return f"{first}{''.join(coloured)}{_RESET}"


def _escaped(text: str, keep: str, spell: Callable[[str], str]) -> str:
    if text.isascii() and text.isprintable():
        return text

    def shown(found: re.Match[str]) -> str:
        character = found[0]
        stays = character in keep or _is_needed(text, found.start())
        return character if stays else spell(character)

    return _ONE_HIDDEN.sub(shown, text)


def _spelled(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _spelled_in_json(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


def _is_needed(text: str, at: int) -> bool:
    """Whether an invisible character is part of how its neighbours are written."""
    character, before, after = text[at], text[max(at - 2, 0) : at], text[at + 1 : at + 2]
    if character in _JOINERS:
        return _joins(before, after)
    if "\ufe00" <= character <= _EMOJI_STYLE:
        return after == _KEYCAP or _is_symbol(before[-1:])
    # Which form of a Chinese character a name is written with.
    return "\U000e0100" <= character <= "\U000e01ef" and _category(before[-1:]) == "Lo"


def _joins(before: str, after: str) -> bool:
    """Whether a joiner is within an emoji, between Arabic letters, or after an Indic virama."""
    last = before[-1:]
    if _is_symbol(after):
        return _is_symbol(last) or (last == _EMOJI_STYLE and _is_symbol(before[:-1]))
    if not _category(after).startswith("L"):
        return False
    if unicodedata.bidirectional(after) == "AL":
        return _category(last) == "Mn" or unicodedata.bidirectional(last) == "AL"
    return bool(last) and unicodedata.combining(last) == _VIRAMA


def _is_symbol(character: str) -> bool:
    return not character.isascii() and _category(character) in _SYMBOLS


def _category(character: str) -> str:
    """Return the category of what can be seen; empty for anything else, and for nothing."""
    if not character or _ONE_HIDDEN.match(character):
        return ""
    return unicodedata.category(character)
