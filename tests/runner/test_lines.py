"""What a process prints, as the log has it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from batchctl.runner.log import LONGEST_MESSAGE_BYTES, Lines, Log


def lines(*data: bytes) -> list[str]:
    made = Lines()
    found = [line for each in data for line in made.add(each)]
    return [*found, *made.end()]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ((b"one\ntwo\n",), ["one", "two"]),
        ((b"on", b"e\ntw", b"o"), ["one", "two"]),
        ((b"windows\r\n",), ["windows"]),
        ((b"\n",), [""]),
        ((b"",), []),
        ((b"caf\xe9\n",), ["caf�"]),
        (("浦".encode()[:2], "浦".encode()[2:] + b"\n"), ["浦"]),
    ],
)
def test_lines_are_cut_at_their_ends(data: tuple[bytes, ...], expected: list[str]) -> None:
    assert lines(*data) == expected


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_progress_bar_is_one_line_in_its_last_state(end: bytes) -> None:
    bar = b"".join(b"\r%3d%%" % percent for percent in range(101))
    assert lines(bar + end) == ["100%"]
    assert lines(*(bytes([each]) for each in bar + end)) == ["100%"]


def test_a_bar_takes_no_more_memory_the_longer_it_runs() -> None:
    made = Lines()
    for _ in range(1000):
        list(made.add(b"\r" + b"#" * 80))
    assert len(made._rest) < 200


def test_a_line_that_is_too_long_comes_in_parts_that_end_with_a_character() -> None:
    text = "浦" * 10_000
    for data in ((text.encode(),), (text.encode() + b"\n",)):
        parts = lines(*data)
        assert "".join(parts) == text
        assert all(len(part.encode()) <= LONGEST_MESSAGE_BYTES for part in parts)


def test_the_log_has_its_own_copy_of_its_descriptor_and_any_text(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("w") as file:
        log = Log(file.fileno())
    log.line(item="\ud800", message="浦")
    log.close()
    assert json.loads(path.read_text()) == {"item": "\ud800", "message": "浦"}


def test_the_work_goes_on_when_nobody_reads_the_log() -> None:
    reader, writer = os.pipe()
    log = Log(writer)
    os.close(reader)
    os.close(writer)
    log.line(item="a")
    log.close()
