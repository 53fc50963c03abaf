"""Files of a universe, as editors, spreadsheets and other tools write them."""

from __future__ import annotations

import gzip
import io
from collections.abc import Sequence
from typing import Any

import pytest

from batchctl.errors import UsageError
from batchctl.jobs.api.new_task import Entry
from batchctl.jobs.universe import FileOptions, Universe, from_file

ROWS = [
    {"item": "000002", "parameters": {"paths": 100, "desk": "A"}},
    {"item": "600000", "parameters": {"paths": 2.5, "desk": "B"}},
]


def found(content: bytes, **options: Any) -> Universe:
    return from_file("-", io.BytesIO(content), FileOptions(**options))


def entries(content: bytes, **options: Any) -> Sequence[Entry]:
    return list(found(content, **options).entries)


def refusal(content: bytes, **options: Any) -> UsageError:
    with pytest.raises(UsageError) as raised:
        found(content, **options)
    return raised.value


@pytest.mark.parametrize(
    "content",
    [
        b"000002.XSHE\n000004.XSHE\n",
        b"000002.XSHE\n000004.XSHE",
        b"000002.XSHE\r000004.XSHE\r",
        b"\xef\xbb\xbf000002.XSHE\r\n\r\n  000004.XSHE\t\r\n",
        "000002.XSHE\r\n000004.XSHE\r\n".encode("utf-16"),
        b"\xfe\xff" + "000002.XSHE\n000004.XSHE\n".encode("utf-16-be"),
        "000002.XSHE\n000004.XSHE\n".encode("utf-32"),
        gzip.compress(b"000002.XSHE\n000004.XSHE\n"),
        b"# those of 2026\n000002.XSHE\n  # and\n000004.XSHE\n",
    ],
)
def test_text_has_an_item_a_line_in_any_unicode_with_any_line_ends(content: bytes) -> None:
    assert entries(content) == ["000002.XSHE", "000004.XSHE"]


def test_commas_form_feeds_and_other_scripts_belong_to_an_item_of_text() -> None:
    assert entries("a,b\nx\x0cy\n浦发 银行\n".encode()) == ["a,b", "x\x0cy", "浦发 银行"]


def test_comments_that_were_left_out_are_counted_and_can_be_items() -> None:
    assert "  1 left out as comments" in found(b"#1\nA\n").notes[1]
    assert entries(b"#1\nA\n", comment="") == ["#1", "A"]
    assert entries(b"//1\nA\n", comment="//") == ["A"]


def test_an_item_twice_is_named_with_its_lines() -> None:
    error = refusal(b"A\nB\n\nA\nC\nB\nA\n")
    assert error.message == (
        "could not read `standard input`: items must be distinct, more than once there are "
        "`A` (line 1, line 4, line 7), `B` (line 2, line 6)"
    )
    assert error.hint == "`--unique` takes the first of each"


def test_unique_takes_the_first_of_each_and_counts_the_others() -> None:
    taken = found(b"A\nB\nA\nC\nB\n", unique=True)
    assert list(taken.entries) == ["A", "B", "C"]
    assert taken.notes == ("3 items from `standard input`", "  2 left out as repeated (`--unique`)")


def test_unique_drops_no_row_that_has_other_parameters() -> None:
    same, other = b"item,x\nA,1\nA,1\n", b"item,x\nA,1\nA,2\n"
    assert len(entries(same, format="csv", unique=True)) == 1
    assert "with different parameters" in refusal(other, format="csv", unique=True).message


CSV = "item,paths,desk\n000002,100,A\n600000,2.5,B\n"


@pytest.mark.parametrize(
    "content",
    [
        CSV.encode(),
        CSV.replace("\n", "\r\n").encode("utf-8-sig"),
        CSV.replace("\n", "\r").encode(),
        CSV.encode("utf-16"),
        CSV.replace(",", ";").encode(),
        CSV.replace(",", "\t").encode(),
        CSV.replace(",", "|").encode(),
        ("sep=;\r\n" + CSV.replace(",", ";")).encode(),
        CSV.replace(",", ", ").replace(" A", "A").replace(" B", "B").encode(),
        CSV.replace("000002", '"000002"').encode(),
        (CSV + "\n , , \n,,\n").encode(),
        CSV.replace("\n", ",,\n").encode(),
        CSV.replace("item,paths,desk", '"item", "paths", "desk"').replace(",A", ', "A"').encode(),
        CSV.rstrip("\n").encode(),
        b"paths,desk,item\n100,A,000002\n2.5,B,600000\n",
    ],
)
def test_csv_has_a_row_an_item_however_it_was_written(content: bytes) -> None:
    assert entries(content, format="csv") == ROWS


def test_the_item_is_the_column_that_was_asked_for_else_item_else_the_first() -> None:
    content = b"code,item\nA,B\n"
    assert entries(content, format="csv", item_column="code") == [
        {"item": "A", "parameters": {"item": "B"}}
    ]
    assert entries(content, format="csv") == [{"item": "B", "parameters": {"code": "A"}}]
    assert entries(b"code\nA\n", format="csv") == ["A"]
    assert refusal(content, format="csv", item_column="x").hint == "its columns are `code`, `item`"


@pytest.mark.parametrize(
    ("cells", "read"),
    [
        (["1", "2.5", "-3e2"], [1, 2.5, -300.0]),
        (["007", "12", "13"], ["007", "12", "13"]),
        (["true", "False", "TRUE"], [True, False, True]),
        (["1", "n/a", "3"], ["1", "n/a", "3"]),
        (["NaN", "1", "2"], ["NaN", "1", "2"]),
        (["1e999", "1", "2"], ["1e999", "1", "2"]),
        (["12345678901234567890", "1", "2"], [12345678901234567890, 1, 2]),
        (["1.10", "1,5", "2"], ["1.10", "1,5", "2"]),
        (["+1", "2", "3"], ["+1", "2", "3"]),
        (["x y ", " z", "w"], ["x y ", " z", "w"]),
    ],
)
def test_a_column_is_of_a_kind_that_all_of_its_cells_have(cells: list[str], read: Any) -> None:
    content = "item;x\n" + "".join(f"{at};{cell}\n" for at, cell in enumerate(cells))
    own: Any = entries(content.encode(), format="csv")
    assert [each["parameters"]["x"] for each in own] == read


def test_a_column_of_numbers_stays_text_where_that_is_asked_for() -> None:
    content = b"item,code\nA,600000\n"
    assert entries(content, format="csv", text_columns=("code",)) == [
        {"item": "A", "parameters": {"code": "600000"}}
    ]
    assert "no column `cod`" in refusal(content, format="csv", text_columns=("cod",)).message


def test_an_empty_cell_is_no_parameter() -> None:
    assert entries(b"item,x,y\nA,,1\nB,2,\nC,,\n", format="csv") == [
        {"item": "A", "parameters": {"y": 1}},
        {"item": "B", "parameters": {"x": 2}},
        "C",
    ]


def test_cells_in_quotes_have_commas_quotes_and_line_breaks() -> None:
    content = b'item,note\nA,"one, ""two""\r\nthree"\nB,4\n'
    assert entries(content, format="csv") == [
        {"item": "A", "parameters": {"note": 'one, "two"\r\nthree'}},
        {"item": "B", "parameters": {"note": "4"}},
    ]


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"item,x\nA,1,2\n", "line 2 has 3 cells, and the header 2"),
        (b"item,x\n\nA\n", "line 3 has 1 cell, and the header 2"),
        (b",item\n0,A\n", "line 1 names no column 1"),
        (b"item,x,x\nA,1,2\n", "line 1 has the column `x` twice"),
        (b"item,x\n,1\n", "line 2 has nothing in column `item`"),
        (b'item,x\nA,"1\n', "line 2 is no CSV: unexpected end of data"),
        (b'item,x\nA,"1"2\n', "line 2 is no CSV"),
        (b"", "there is no header in it"),
        (b"item,x\n", "there is no item in it"),
        ("item,x\nA,\xe9\n".encode("latin-1"), "line 2 isn't UTF-8: byte 0xe9, which is `é`"),
        (b"PK\x03\x04", "it is an archive or a workbook"),
        (b"i\0t\0e\0m\0", "it has NUL bytes, as UTF-16 without"),
    ],
)
def test_csv_that_is_wrong_is_refused_with_its_line(content: bytes, error: str) -> None:
    assert refusal(content, format="csv").message.startswith(
        f"could not read `standard input`: {error}"
    )


def test_json_lines_have_a_string_or_an_object_a_line() -> None:
    content = (
        '"A"\r\n{"item": "B", "x": [1, {"y": null}]}\n\n{"x": 1, "item": "C"}\n'
        '{"item": "D", "parameters": {"x": 2}}\n{"item": "E"}\n'
    )
    assert entries(content.encode("utf-8-sig"), format="jsonl") == [
        "A",
        {"item": "B", "parameters": {"x": [1, {"y": None}]}},
        {"item": "C", "parameters": {"x": 1}},
        {"item": "D", "parameters": {"x": 2}},
        "E",
    ]
    assert entries(b'{"code": "A", "x": 1}', format="jsonl", item_column="code") == [
        {"item": "A", "parameters": {"x": 1}}
    ]


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"[\n1\n]", "line 1 is no JSON"),
        (b'"A"\n{"item": 5}', "line 2 has `item` 5: an item is a string, in quotes"),
        (b'"A"\n7', "line 2 is neither a string nor an object"),
        (b'{"item": "A", "x": NaN}', "line 1 has NaN"),
        (b'{"item": "A", "x": 1, "x": 2}', "line 1 has the key `x` twice"),
        (b'{"item": " "}', "line 1 has an empty item"),
        (b"{}", "line 1 has an object without keys"),
    ],
)
def test_json_lines_that_are_wrong_are_refused_with_their_line(content: bytes, error: str) -> None:
    assert error in refusal(content, format="jsonl").message


def test_what_will_be_sent_is_counted_with_its_columns_and_their_kinds() -> None:
    assert found(CSV.encode(), format="csv").notes == (
        "2 items from `standard input`, column `item`",
        "  with parameters of their own: paths (number), desk (text)",
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.csv", b"item,x\nA,1\n"),
        ("rows.TSV", b"item\tx\nA\t1\n"),
        ("rows.jsonl", b'{"item": "A", "x": 1}\n'),
        ("rows.csv.gz", gzip.compress(b"item,x\nA,1\n")),
    ],
)
def test_a_file_is_read_by_its_ending(tmp_path: Any, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    read = from_file(str(tmp_path / name), io.BytesIO(), FileOptions())
    assert list(read.entries) == [{"item": "A", "parameters": {"x": 1}}]


def test_text_has_no_columns() -> None:
    assert refusal(b"A\n", item_column="x").hint.startswith("add `--format csv`")  # type: ignore[union-attr]
