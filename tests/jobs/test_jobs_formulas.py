"""Cells that a spreadsheet would run lose that, numbers stay numbers."""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchctl.jobs.formulas import defused

STARTS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
TEXTS = st.text(st.one_of(st.sampled_from(f"{STARTS};,|\" 1.5e'"), st.characters()))
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*[\]}]?")


@pytest.mark.parametrize(
    ("cell", "safe"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-1+cmd|' /C calc'!A0", "'-1+cmd|' /C calc'!A0"),
        ("\t=1", "'\t'=1"),
        ("\rx", "'\rx"),
        ("x;=1", "x;'=1"),
        ('"=1', "\"'=1"),
        ("\uff1d1", "'\uff1d1"),
        ("-Infinity", "'-Infinity"),
    ],
)
def test_what_may_be_run_is_defused(cell: str, safe: str) -> None:
    assert defused(cell) == safe


@pytest.mark.parametrize(
    "cell",
    [
        "-1.5",
        "+3",
        "-1e-05",
        "-.5",
        "[-1, -2.5]",
        "a-b",
        "x=1",
        "me@example.org",
        "",
        "000002.XSHE",
    ],
)
def test_numbers_and_plain_text_stay(cell: str) -> None:
    assert defused(cell) == cell


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers())
def test_every_number_stays(number: float) -> None:
    assert defused(repr(number)) == repr(number)


@given(TEXTS)
def test_nothing_starts_a_formula_whatever_ends_a_cell(text: str) -> None:
    for part in re.split(r"[;,|\t\r\n\"]", defused(text)):
        cell = part.strip()
        assert cell[:1] not in STARTS.strip() or not cell or NUMBER.fullmatch(cell)


@given(TEXTS)
def test_it_is_done_once(text: str) -> None:
    assert defused(defused(text)) == defused(text)


@given(TEXTS)
def test_csv_gives_the_defused_cell_back(text: str) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL).writerow([defused(text)])
    assert next(csv.reader(io.StringIO(out.getvalue(), newline=""))) == [defused(text)]
