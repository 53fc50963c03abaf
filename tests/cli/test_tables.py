"""Tables at every width: what identifies a row, and every number, is whole or not there at all."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable

import pytest
from hostile_text import Terminal

from batchctl.cli.display.results import IMPORTANCE
from batchctl.cli.display.tables import TablePrinter, print_table
from batchctl.cli.output import StatusText, show_rows
from batchctl.jobs import Result
from batchctl.jobs.tables import Table, tables

Lines = Callable[..., list[str]]
RESULTS = (
    Result("000002.XSHE", "SUCCEEDED", {"months": 122, "note": "a long word " * 8, "risk": -0.5}),
    Result("AAPL", "FAILED", error="ValueError: no price\nin the file", reason="EXCEPTION"),
    Result("MSFT", "SUCCEEDED", {"months": 7, "risk": 1234.25}, attempts=1, seconds=0.25),
)
WHOLE = {"000002.XSHE", "AAPL", "MSFT", "SUCCEEDED", "FAILED"}
NUMBERS = {"122", "7", "-0.5", "1234.25", "1", "0.25"}


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    """The lines of a table of results at a width."""

    def print_results(width: int | None, results: tuple[Result, ...] = RESULTS) -> list[str]:
        printer = TablePrinter(IMPORTANCE, width)
        for each in tables(results):
            printer.show(each)
        printer.print_left_out()
        return capsys.readouterr().out.splitlines()

    return print_results


@pytest.mark.parametrize("width", range(1, 130))
def test_no_item_status_or_number_is_broken_at_any_width(lines: Lines, width: int) -> None:
    shown = {word for line in lines(width) for word in line.split()}
    assert shown >= WHOLE
    numbers = {word for word in shown if re.match(r"-?\d+(?![\w.]*X)", word)}
    assert numbers <= NUMBERS


@pytest.mark.parametrize("width", range(24, 130))
def test_no_line_of_a_table_is_longer_than_the_terminal_is_wide(lines: Lines, width: int) -> None:
    shown = lines(width)
    assert shown[0].split()[:2] == ["item", "status"] or shown[0] == "000002.XSHE"
    if shown[0] != "000002.XSHE":
        assert max(map(len, shown)) <= width


def test_where_hardly_a_column_fits_each_item_is_a_block(lines: Lines) -> None:
    assert lines(20)[:4] == [
        "000002.XSHE",
        "  status: SUCCEEDED",
        "  months: 122",
        f"  note: {'a long word ' * 8}",
    ]


def test_numbers_stand_at_the_right_of_their_column(lines: Lines) -> None:
    heading, first, _, last = lines(None, (RESULTS[0], RESULTS[1], RESULTS[2]))
    for name, numbers in (("months", ("122", "7")), ("risk", ("-0.5", "1234.25"))):
        end = heading.index(name) + len(name)
        end = max(end, first.index(numbers[0]) + len(numbers[0]))
        assert first[:end].endswith(numbers[0])
        assert last[:end].endswith(numbers[1])


def test_an_item_that_is_a_number_is_a_name(lines: Lines) -> None:
    shown = lines(None, (Result("7", "SUCCEEDED", 1), Result("4000", "SUCCEEDED", 2)))
    assert shown[1].startswith("7 ")


def test_what_is_left_out_is_counted_and_the_cause_of_a_failure_goes_last(
    capsys: pytest.CaptureFixture[str],
) -> None:
    (found,) = tables(RESULTS)
    printer = TablePrinter(IMPORTANCE, 60)
    printer.show(found)
    printer.print_left_out()
    printed = capsys.readouterr()
    assert "reason" in printed.out
    assert "EXCEPTION" in printed.out
    assert "seconds" not in printed.out
    assert printed.err.startswith("+")
    assert printed.err.endswith(" columns: --wide\n")


def test_in_a_pipe_lines_have_any_length_and_no_colour(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    (found,) = tables(RESULTS)
    print_table(found, IMPORTANCE)
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == 4
    assert "\x1b" not in printed.out
    assert printed.err == ""


@pytest.mark.parametrize(
    ("setting", "value", "colours"),
    [("TERM", "xterm", True), ("TERM", "dumb", False), ("NO_COLOR", "1", False)],
)
def test_statuses_have_colours_where_the_terminal_and_the_user_want_any(
    monkeypatch: pytest.MonkeyPatch, setting: str, value: str, colours: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv(setting, value)
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    show_rows([["AAPL  ", StatusText("FAILED")], ["FAILED"]])
    coloured = "\x1b[31mFAILED\x1b[0m" if colours else "FAILED"
    assert screen.getvalue() == f"AAPL  {coloured}\nFAILED\n"


def test_what_only_looks_like_a_status_stays_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen = Terminal()
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys, "stdout", screen)
    show_rows([[StatusText("\x1b[2J")]])
    assert screen.getvalue() == "\\x1b[2J\n"


def test_tables_of_the_same_columns_are_one(capsys: pytest.CaptureFixture[str]) -> None:
    printer = TablePrinter(IMPORTANCE, 80)
    for item in ("A", "B"):
        printer.show(Table(("item", "status"), ((item, "FAILED"),)))
    assert capsys.readouterr().out.splitlines() == ["item  status", "A     FAILED", "B     FAILED"]
