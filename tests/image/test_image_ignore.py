"""A .dockerignore keeps out what Docker says it does."""

from __future__ import annotations

from pathlib import Path

import pytest

from batchctl.errors import BatchctlError
from batchctl.image.context import read_context
from batchctl.image.ignore import parse

KEPT_OUT = [
    (["data"], "data"),
    (["data"], "data/deep/prices.csv"),
    (["/data/"], "data/prices.csv"),
    (["./data"], "data"),
    (["  data  "], "data"),
    (["*.csv"], "prices.csv"),
    (["*/*.csv"], "data/prices.csv"),
    (["**/*.csv"], "data/deep/prices.csv"),
    (["**/*.csv"], "prices.csv"),
    (["**"], "anything/at/all"),
    (["data/**"], "data/deep/prices.csv"),
    (["data/**/prices.csv"], "data/prices.csv"),
    (["data/**/prices.csv"], "data/a/b/prices.csv"),
    (["price?.csv"], "prices.csv"),
    (["[a-p]*.csv"], "prices.csv"),
    (["[^a-c]*.csv"], "prices.csv"),
    ([r"\*.csv"], "*.csv"),
    (["a+b(c).txt"], "a+b(c).txt"),
    (["!data", "data"], "data"),
    (["*", "!*.py", "test_*"], "test_compute.py"),
]
LET_IN = [
    ([], "data"),
    (["# data", "#data", ""], "data"),
    (["data"], "database"),
    (["data"], "more/data"),
    (["*.csv"], "data/prices.csv"),
    (["*/*.csv"], "prices.csv"),
    (["price?.csv"], "price/.csv"),
    ([r"\*.csv"], "prices.csv"),
    (["a.csv"], "aXcsv"),
    (["data", "!data"], "data/prices.csv"),
    (["*", "!*.py"], "compute.py"),
    (["data", "!data/prices.csv"], "data/prices.csv"),
    (["**/*.csv", "!**/prices.csv"], "data/prices.csv"),
    (["!"], "data"),
]


@pytest.mark.parametrize(("lines", "path"), KEPT_OUT)
def test_it_keeps_out(lines: list[str], path: str) -> None:
    assert parse(lines).keeps_out(path)


@pytest.mark.parametrize(("lines", "path"), LET_IN)
def test_it_lets_in(lines: list[str], path: str) -> None:
    assert not parse(lines).keeps_out(path)


def test_what_is_taken_back_out_of_a_folder_is_found_in_it(folder: Path) -> None:
    (folder / "data").mkdir()
    for name in ("prices.csv", "secret.csv"):
        (folder / "data" / name).write_text("")
    (folder / ".dockerignore").write_text("data\n!data/prices.csv\n.dockerignore\n")
    names = list(read_context(folder).files)
    assert names == ["Dockerfile", "compute.py", "data/prices.csv"]


def test_a_folder_that_is_kept_out_is_not_looked_into(folder: Path) -> None:
    (folder / ".dockerignore").write_text("data\n")
    (folder / "data").mkdir()
    ignore = parse(["data"])
    assert ignore.keeps_out_all_of("data")
    assert not parse(["data", "!data/a"]).keeps_out_all_of("data")
    assert "data" not in {name.partition("/")[0] for name in read_context(folder).files}


def test_what_is_no_pattern_is_named() -> None:
    with pytest.raises(BatchctlError, match=r"`\[z-a\]` is no pattern"):
        parse(["[z-a]"])


def test_an_ignore_file_that_is_not_utf_8_is_named(folder: Path) -> None:
    (folder / ".dockerignore").write_text(".env\n", encoding="utf-16")
    with pytest.raises(BatchctlError, match=r"`.*\.dockerignore`: it is not text in UTF-8"):
        read_context(folder)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("**/" * 25 + "b", "/".join("a" * 40)),
        ("*a" * 30 + "b", "a" * 200),
        ("**/**" * 30 + "b", "a" * 200),
        ("**/*a*a*a*a*a/" * 8 + "b", "/".join(["aaaaaaaaaaaaaaaaaaaa"] * 30)),
    ],
)
def test_no_pattern_takes_long(pattern: str, path: str) -> None:
    # With a matcher that goes back, these took minutes: the test would not end.
    assert not parse([pattern]).keeps_out(path)


def test_stars_match_as_in_the_shell_whatever_stands_between_them() -> None:
    for pattern, name, is_kept_out in (
        ("a*b*c", "abc", True),
        ("a*b*c", "axbxbxc", True),
        ("a*b*c", "axbx", False),
        ("*ab*ab", "abab", True),
        ("*ab*ab", "ab", False),
        ("*a*", "bab", True),
        ("**a", "bba", True),
        ("a**", "abb", True),
        ("a**b", "a/x/y/b", True),
        ("a**b", "ax/b", True),
        ("a**b", "a/x", False),
        ("a/**", "a", False),
    ):
        assert parse([pattern]).keeps_out(name) is is_kept_out, pattern


def test_a_pattern_with_too_many_double_stars_within_names_is_named() -> None:
    with pytest.raises(BatchctlError, match="more than 2 times"):
        parse(["a**b**c**d"])
