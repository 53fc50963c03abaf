"""Universe and parameters as the command line gives them."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from batchctl.errors import UsageError
from batchctl.jobs import parameters, universe


def test_values_with_commas_and_repeated_values_mean_the_same() -> None:
    assert universe.from_values(["A,B", "C"]) == ("A", "B", "C")
    assert universe.from_values(["A", " B ", "C"]) == ("A", "B", "C")


@pytest.mark.parametrize("value", ["", "A,,B", "A,", " "])
def test_nothing_beside_a_comma_is_an_error(value: str) -> None:
    with pytest.raises(UsageError, match="could not read `--universe`: there is nothing beside"):
        universe.from_values([value])


def test_of_many_duplicates_the_first_are_named() -> None:
    with pytest.raises(UsageError, match=r"`4` \(item 5, item 12\) and 2 more"):
        universe.from_values(["0,1,2,3,4,5,6", "0,1,2,3,4,5,6"])


def test_the_options_give_values_a_file_or_standard_input(tmp_path: Path) -> None:
    path = tmp_path / "symbols.txt"
    path.write_bytes(b"F\n")
    stdin = io.BytesIO(b"S\n")
    assert universe.from_options(["V"], None, stdin).entries == ("V",)
    assert universe.from_options([], str(path), stdin).entries == ["F"]
    assert universe.from_options([], "-", stdin).entries == ["S"]


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
