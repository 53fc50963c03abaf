"""Universe and parameters as the command line gives them."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from batchctl.errors import UsageError
from batchctl.jobs import parameters, universe


def read(content: bytes) -> tuple[str, ...]:
    return universe.from_bytes(content, "symbols.txt")


def test_values_with_commas_and_repeated_values_mean_the_same() -> None:
    assert universe.from_values(["A,B", "C"]) == ("A", "B", "C")
    assert universe.from_values(["A", " B ", "C"]) == ("A", "B", "C")


@pytest.mark.parametrize("value", ["", "A,,B", "A,", " "])
def test_nothing_beside_a_comma_is_an_error(value: str) -> None:
    with pytest.raises(UsageError, match="could not read `--universe`: there is nothing beside"):
        universe.from_values([value])


@pytest.mark.parametrize(
    "content",
    [
        b"000002.XSHE\n000004.XSHE\n",
        b"000002.XSHE\n000004.XSHE",
        b"\xef\xbb\xbf000002.XSHE\r\n\r\n  000004.XSHE\t\r\n",
    ],
)
def test_a_file_has_one_item_a_line_whatever_its_line_ends(content: bytes) -> None:
    assert read(content) == ("000002.XSHE", "000004.XSHE")


def test_commas_form_feeds_and_other_scripts_belong_to_an_item_of_a_file() -> None:
    assert read("a,b\nx\x0cy\n浦发 银行\n".encode()) == ("a,b", "x\x0cy", "浦发 银行")


def test_an_item_twice_is_told_with_its_lines() -> None:
    with pytest.raises(UsageError) as raised:
        read(b"A\nB\n\nA\nC\nB\nA\n")
    assert raised.value.message == (
        "could not read `symbols.txt`: items must be distinct, more than once there are "
        "`A` (line 1, line 4, line 7), `B` (line 2, line 6)"
    )


def test_of_many_duplicates_the_first_are_named() -> None:
    with pytest.raises(UsageError, match=r"`4` \(item 5, item 12\) and 2 more"):
        universe.from_values(["0,1,2,3,4,5,6", "0,1,2,3,4,5,6"])


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "there is no item in it"),
        (b"\n \n", "there is no item in it"),
        (b"A\n\xff\n", "line 2 isn't UTF-8"),
        ("A\nB\n".encode("utf-16"), "it is UTF-16"),
    ],
)
def test_a_file_without_readable_items_is_an_error(content: bytes, told: str) -> None:
    with pytest.raises(UsageError, match=f"could not read `symbols.txt`: {told}"):
        read(content)


def test_the_options_give_values_a_file_or_standard_input(tmp_path: Path) -> None:
    path = tmp_path / "symbols.txt"
    path.write_bytes(b"F\n")
    stdin = io.BytesIO(b"S\n")
    assert universe.from_options(["V"], None, stdin) == ("V",)
    assert universe.from_options([], str(path), stdin) == ("F",)
    assert universe.from_options([], "-", stdin) == ("S",)


@pytest.mark.parametrize(("values", "file"), [([], None), (["A"], "symbols.txt")])
def test_neither_or_both_options_are_an_error(values: list[str], file: str | None) -> None:
    with pytest.raises(UsageError, match="give `--universe` or `--universe-file`"):
        universe.from_options(values, file, io.BytesIO())


def test_a_file_that_isnt_there_is_told_with_the_systems_reason() -> None:
    with pytest.raises(UsageError, match=r"could not read `missing\.txt`: No such file"):
        universe.from_options([], "missing.txt", io.BytesIO())


def test_a_parameter_is_json_where_it_can_be_and_else_text() -> None:
    pairs = ["paths=1000", "rate=0.5", "deep=true", 'id="7"', "name=a=b", "list=[1, 2]", "none="]
    assert parameters.from_options([*pairs, "nan=NaN"]) == {
        "paths": 1000,
        "rate": 0.5,
        "deep": True,
        "id": "7",
        "name": "a=b",
        "list": [1, 2],
        "none": "",
        "nan": "NaN",
    }


@pytest.mark.parametrize(
    ("pairs", "told"),
    [
        (["paths"], "could not read `--param paths`: it must be `KEY=VALUE`"),
        (["=1"], "could not read `--param =1`: it must be `KEY=VALUE`"),
        (["a=1", "a=2"], "could not read `--param a=2`: `a` is given twice"),
    ],
)
def test_what_isnt_a_parameter_is_an_error(pairs: list[str], told: str) -> None:
    with pytest.raises(UsageError) as raised:
        parameters.from_options(pairs)
    assert raised.value.message == told
