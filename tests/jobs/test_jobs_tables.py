"""Results as a table, as CSV and as JSON."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from batchctl.errors import BatchctlError, UsageError
from batchctl.jobs import Result, Unreachable
from batchctl.jobs.result_files import write_file
from batchctl.jobs.selection import in_order_of
from batchctl.jobs.tables import table, tables, write_csv, write_json, write_json_lines


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


WITH_OWN = Result("D", "SUCCEEDED", result={"x": 1}, parameters={"paths": 2, "x": {"y": 3}})


def test_an_items_own_parameters_have_columns_of_their_own_before_the_results() -> None:
    text = as_csv(succeeded("A", {"x": 0, "parameters.x": 4}), WITH_OWN)
    header = "item,status,parameters.paths,parameters.x.y,x,result.parameters.x,attempts"
    assert text.startswith(header)
    *_, last = csv.DictReader(io.StringIO(text, newline=""))
    assert (last["parameters.paths"], last["parameters.x.y"], last["x"]) == ("2", "3", "1")


def test_columns_that_are_asked_for_are_all_there_is_in_their_order() -> None:
    out = io.StringIO(newline="")
    write_csv([succeeded("A", {"x": 1}), FAILED], out, ["x", "item", "none"])
    assert out.getvalue() == "x,item,none\r\n1,A,\r\n,C,\r\n"
    (laid_out,) = tables([FAILED], ["reason", "x"])
    assert (laid_out.columns, laid_out.rows) == (("reason", "x"), (("EXIT_CODE", ""),))


def test_json_lines_are_an_object_each() -> None:
    out = io.StringIO()
    write_json_lines([succeeded("A", {"x": 1}), FAILED], out, ["item", "x"])
    assert out.getvalue() == '{"item": "A", "x": 1}\n{"item": "C"}\n'


def test_results_are_sorted_by_numbers_before_texts_and_those_without_come_last() -> None:
    given = [succeeded(str(at), {"x": x}) for at, x in enumerate([10, None, 9.5, "a", True])]
    assert [each.item for each in in_order_of(given, "x", descending=False)] == list("42031")
    assert [each.item for each in in_order_of(given[:3], "x", descending=True)] == ["0", "2", "1"]
    assert next(in_order_of(given, "item", descending=False)) == given[0]


def test_a_column_that_no_result_has_cant_be_sorted_by() -> None:
    with pytest.raises(UsageError, match="could not sort by `y`: no result has such a column"):
        list(in_order_of([FAILED], "y", descending=False))
    assert list(in_order_of([], "y", descending=False)) == []


@pytest.mark.parametrize("ending", ["csv", "json", "jsonl", "ndjson", "parquet"])
def test_a_file_is_whole_or_not_at_all(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"results.{ending}"
    write_file([succeeded("A", {"x": 1})], path)
    before = path.read_bytes()
    assert b"A" in before

    def broken() -> Iterator[Result]:
        yield succeeded("B", {"x": 1})
        raise Unreachable("http://x", "gone")

    with pytest.raises(Unreachable):
        write_file(broken(), path)
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (before, [path])
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask()


def umask() -> int:
    found = os.umask(0o022)
    os.umask(found)
    return found


def test_a_file_that_cant_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"`\.xlsx` is none of the formats"):
        write_file([], tmp_path / "results.xlsx")
    with pytest.raises(BatchctlError, match="No such file or directory"):
        write_file([], tmp_path / "missing" / "results.csv")


def read_parquet(path: Path) -> Any:
    return pq.read_table(path)


def test_parquet_has_a_type_for_each_column(tmp_path: Path) -> None:
    path = tmp_path / "results.parquet"
    whole = {"n": 1, "x": 1, "ok": True, "mixed": 1, "big": 2**70, "path": [1, None], "none": None}
    other = {"n": 2, "x": 0.5, "ok": False, "mixed": "a", "big": 1, "path": []}
    write_file([succeeded("A", whole), succeeded("B", other), FAILED], path)
    read = read_parquet(path)
    types = {field.name: str(field.type) for field in read.schema}
    assert types == {
        **dict.fromkeys(("item", "status", "mixed", "big", "path"), "string"),
        "n": "int64",
        "x": "double",
        "ok": "bool",
        "attempts": "int64",
        "seconds": "double",
        "peak_memory_mib": "double",
        "exit_code": "int64",
        **dict.fromkeys(("reason", "signal", "error"), "string"),
    }
    first, _, last = read.to_pylist()
    assert (first["x"], first["path"], first["big"]) == (1.0, "[1, null]", str(2**70))
    assert (last["n"], last["exit_code"], last["reason"]) == (None, 3, "EXIT_CODE")


def test_parquet_of_many_rows_and_of_none_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "results.parquet"
    write_file((succeeded(str(at), {"x": at}) for at in range(25_000)), path, ["item", "x"])
    read = read_parquet(path)
    assert (read.column_names, read.num_rows) == (["item", "x"], 25_000)
    assert read.column("x").to_pylist() == list(range(25_000))
    write_file([], path)
    assert read_parquet(path).num_rows == 0
