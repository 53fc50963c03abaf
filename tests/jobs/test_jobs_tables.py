"""Results as a table, as CSV and as JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator

from batchctl.jobs import Result
from batchctl.jobs.tables import table, tables, write_csv, write_json


def succeeded(item: str, result: object) -> Result:
    return Result(item, "SUCCEEDED", result=result, attempts=1, seconds=0.25, peak_memory_mib=12.5)


FAILED = Result(
    "C",
    "FAILED",
    error="ValueError: no\n  line 2",
    attempts=3,
    reason="EXIT_CODE",
    exit_code=3,
)
AFTER = ("attempts", "seconds", "peak_memory_mib", "reason", "exit_code", "signal", "error")


def as_csv(*results: Result) -> str:
    out = io.StringIO(newline="")
    write_csv(results, out)
    return out.getvalue()


def test_a_table_has_the_union_of_all_keys_in_order_of_appearance() -> None:
    laid_out = table(
        [succeeded("A", {"x": 1}), succeeded("B", {"y": None, "z": "é", "x": 2}), FAILED]
    )
    assert laid_out.columns == ("item", "status", "x", "z", *AFTER)
    assert laid_out.rows == (
        ("A", "SUCCEEDED", "1", "", "1", "0.25", "12.5", "", "", "", ""),
        ("B", "SUCCEEDED", "2", "é", "1", "0.25", "12.5", "", "", "", ""),
        ("C", "FAILED", "", "", "3", "", "", "EXIT_CODE", "3", "", "ValueError: no\n  line 2"),
    )


def test_objects_within_become_columns_and_lists_cells_of_json() -> None:
    laid_out = table(
        [succeeded("A", {"risk": {"var": 0.1, "es": {}}, "path": [1, None], "ok": True})]
    )
    assert laid_out.columns[2:-7] == ("risk.var", "risk.es", "path", "ok")
    assert laid_out.rows[0][2:-7] == ("0.1", "{}", "[1, null]", "true")


def test_keys_with_the_names_of_our_columns_keep_apart_from_them() -> None:
    laid_out = table([succeeded("A", {"status": "good", "error": 0})])
    assert laid_out.columns[2:-7] == ("result.status", "result.error")
    assert laid_out.rows[0][:2] == ("A", "SUCCEEDED")


def test_a_result_that_is_no_object_has_one_column() -> None:
    assert table([succeeded("A", 7)]).columns[2] == "result"
    assert table([succeeded("A", "text")]).rows[0][2] == "text"


def test_a_table_of_nothing_has_our_columns() -> None:
    assert table([]).columns == ("item", "status", *AFTER)


def test_csv_is_read_back_as_it_was_written() -> None:
    text = as_csv(succeeded('A,"1"', {"note": "=1+1", "x": 1.5}), FAILED)
    assert text.startswith(
        "item,status,note,x,attempts,seconds,peak_memory_mib,reason,exit_code,signal,error\r\n"
    )
    first, second = csv.DictReader(io.StringIO(text, newline=""))
    assert (first["item"], first["note"], first["x"]) == ('A,"1"', "=1+1", "1.5")
    assert (second["error"], second["seconds"]) == ("ValueError: no\n  line 2", "")


def test_csv_for_a_spreadsheet_has_no_formulas_and_the_same_numbers() -> None:
    out = io.StringIO(newline="")
    hostile = succeeded("=1+1", {"@SUM(A1)": "+1+1", "x": -1.5, "y": "a;=b", "z": [-1, 2]})
    write_csv([hostile], out, spreadsheet_safe=True)
    header, row = csv.reader(io.StringIO(out.getvalue(), newline=""))
    assert header[:5] == ["item", "status", "'@SUM(A1)", "x", "y"]
    assert row[:6] == ["'=1+1", "SUCCEEDED", "'+1+1", "-1.5", "a;'=b", "[-1, 2]"]
    assert out.getvalue().startswith('"item","status",'), "all cells are in quotes"


def test_in_a_table_line_breaks_stay_for_who_prints_it() -> None:
    (laid_out,) = tables([FAILED])
    assert laid_out.rows[0][-1] == "ValueError: no\n  line 2"


def test_csv_has_a_column_for_every_key_however_late_it_comes() -> None:
    early = [succeeded(str(index), {"x": index}) for index in range(100)]
    text = as_csv(*early, succeeded("late", {"x": 1, "y": {"z": 2}}))
    *_, last = csv.DictReader(io.StringIO(text, newline=""))
    assert (last["item"], last["x"], last["y.z"]) == ("late", "1", "2")
    assert text == as_csv(*early, succeeded("late", {"x": 1, "y": {"z": 2}}))


def test_csv_of_nothing_is_a_header() -> None:
    ours = "attempts,seconds,peak_memory_mib,reason,exit_code,signal,error"
    assert as_csv() == f"item,status,{ours}\r\n"


def test_json_is_one_array_of_the_results_as_they_are() -> None:
    out, took = io.StringIO(), {"attempts": 1, "seconds": 0.25, "peak_memory_mib": 12.5}
    write_json([succeeded("A", {"x": [1]}), succeeded("B", None), FAILED], out)
    assert json.loads(out.getvalue()) == [
        {"item": "A", "status": "SUCCEEDED", "result": {"x": [1]}, **took},
        {"item": "B", "status": "SUCCEEDED", "result": None, **took},
        {
            "item": "C",
            "status": "FAILED",
            "attempts": 3,
            "reason": "EXIT_CODE",
            "exit_code": 3,
            "error": "ValueError: no\n  line 2",
        },
    ]
    assert len(out.getvalue().splitlines()) == 5


def test_json_of_nothing_is_an_empty_array() -> None:
    out = io.StringIO()
    write_json([], out)
    assert out.getvalue() == "[]\n"


def test_json_is_written_while_results_still_come() -> None:
    def endless(out: io.StringIO, enough: int) -> Iterator[Result]:
        for index in range(1_000_000):
            if len(out.getvalue().splitlines()) > enough:
                return
            yield succeeded(str(index), {"x": index})

    out = io.StringIO()
    write_json(endless(out, 120), out)
    assert len(out.getvalue().splitlines()) < 130
