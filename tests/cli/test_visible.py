"""What reaches a terminal of a text that anybody may have written."""

from __future__ import annotations

import json
import re
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from terminal_commands import JOINERS, commanding

from batchctl.cli.output import CONTINUED, continued
from batchctl.cli.visible import visible, visible_json, visible_log

BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
# Texts of what is dangerous as well as of anything: by chance alone it would seldom be met.
DANGEROUS = (
    "\x00\x07\x08\t\n\v\f\r\x1b\x7f\x85\x9b\x9c\x9d\xad\u200b\u2028\u2029\ufeff\U000e0041\ud800"
)
EMOJI = "👩❤\ufe0f🏽🚀⃣1"
TEXTS = st.one_of(
    st.text(st.characters()),
    st.text(st.one_of(st.sampled_from(DANGEROUS + BIDI + JOINERS + EMOJI), st.characters())),
    st.text(st.sampled_from("[3m;0148 \x1b\x9b]ab")),
)


@given(TEXTS)
@example("\x1b]52;c;ZWNobyBoaQ==\x07")
@example("\u202egnp.exe\u202c")
def test_nothing_is_left_that_a_terminal_would_obey(text: str) -> None:
    shown = visible(text)
    assert not commanding(shown)
    assert len(shown.splitlines()) <= 1
    shown.encode()


@given(TEXTS)
def test_what_is_visible_stays_so(text: str) -> None:
    assert visible(visible(text)) == visible(text)


@given(TEXTS)
def test_nothing_else_is_changed(text: str) -> None:
    escape = r"\\(?:[tnr]|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})"
    plain = "".join(each for each in text if each != "\\" and each == visible(each))
    rest = re.sub(escape, "", visible(text.replace("\\", "")))
    joined = "".join(each for each in rest if each == visible(each))
    assert joined == plain


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E)))
def test_plain_ascii_is_unchanged(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb\tc\rd", r"a\nb\tc\rd"),
        ("\x1b[2J\x9b1m\x7f", r"\x1b[2J\x9b1m\x7f"),
        ("\u202eabc\u2066\u200f", r"\u202eabc\u2066\u200f"),
        ("pass\u200bword\xad", r"pass\u200bword\xad"),
        ("\u2028\u2029\ufeff", r"\u2028\u2029\ufeff"),
        ("\U000e0041\ue000\ud800", r"\U000e0041\ue000\ud800"),
        ("a\u200db", r"a\u200db"),
        ("a\ufe0f\U000e0100", r"a\ufe0f\U000e0100"),
        ("👩\u200d", r"👩\u200d"),
        ("\u115f\u3164\u2800", r"\u115f\u3164\u2800"),
    ],
)
def test_each_is_spelled_as_python_spells_it(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "浦发银行 000002.XSHE",
        "العربية ١٢٣",
        "می\u200cشود",
        "ශ\u0dca\u200dරී",
        "👩🏽\u200d🚀 ❤\ufe0f\u200d🔥 🏳\ufe0f\u200d🌈 1\ufe0f\u20e3",
        "葛\U000e0100飾",
        "naïve e\u0301",
    ],
)
def test_every_script_stays_readable(text: str) -> None:
    assert visible(text) == text


@pytest.mark.exhaustive
def test_no_character_of_this_python_is_missed() -> None:
    every = (chr(code) for code in range(sys.maxunicode + 1))
    assert not [each for each in every if commanding(each) and visible(each) == each]


@given(st.dictionaries(TEXTS, st.lists(TEXTS | st.none() | st.floats(allow_nan=False))))
def test_json_means_the_same_and_holds_nothing_raw(value: object) -> None:
    for indent in (None, 2):
        document = visible_json(json.dumps(value, ensure_ascii=False, indent=indent))
        assert json.loads(document) == json.loads(json.dumps(value))
        assert commanding(document) <= {"\n"}


@given(TEXTS)
def test_a_log_keeps_colours_and_tabs_alone(line: str) -> None:
    assert commanding(visible_log(line, colours=False)) <= {"\t"}
    coloured = visible_log(line, colours=True)
    assert "\x1b" not in re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert commanding(coloured) <= {"\t", "\x1b"}
    assert "\x1b" not in coloured or coloured.endswith("\x1b[0m")


@pytest.mark.parametrize(
    ("line", "coloured", "plain"),
    [
        ("\x1b[32mok\x1b[m", "\x1b[32mok\x1b[m\x1b[0m", "ok"),
        ("\x1b[1;38;5;208mx", "\x1b[1;38;5;208mx\x1b[0m", "x"),
        ("\x1b[38;2;1;2;3mx", "\x1b[38;2;1;2;3mx\x1b[0m", "x"),
        ("\x1b[8mhidden", r"\x1b[8mhidden", r"\x1b[8mhidden"),
        ("\x1b[0;5mblinks", r"\x1b[0;5mblinks", r"\x1b[0;5mblinks"),
        ("\x1b[2Kx\x1b]0;t\x07", r"\x1b[2Kx\x1b]0;t\x07", r"\x1b[2Kx\x1b]0;t\x07"),
        ("a\tb\r", "a\tb\\r", "a\tb\\r"),
    ],
)
def test_of_a_log_only_colours_reach_the_terminal(line: str, coloured: str, plain: str) -> None:
    assert visible_log(line, colours=True) == coloured
    assert visible_log(line, colours=False) == plain


@given(TEXTS)
def test_only_the_first_line_of_a_text_can_pass_for_ours(text: str) -> None:
    first, *more = continued(text)
    assert all(line.startswith(CONTINUED) for line in more)
    assert not commanding("".join([first, *more])) - {"\t"}
