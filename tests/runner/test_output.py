"""Endless output fills neither memory nor log, and costs the item nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from runner_jobs import Jobs, Runner

from batchctl.runner.output import KEPT_BYTES, MOST_LOGGED_BYTES, Output

LIMIT = 1000
CUT = "[batchctl: more output than is logged; its end follows when this has ended]"


def logged(*data: bytes, extra: int = 0) -> list[str]:
    output = Output(extra, LIMIT)
    return [*(line for each in data for line in output.add(each)), *output.end()]


def numbered(first: int, last: int) -> Iterator[str]:
    return (f"line {number:08d}" for number in range(first, last))


def as_bytes(lines: Iterator[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def test_what_is_below_the_limit_is_logged_as_it_is() -> None:
    assert logged(as_bytes(numbered(0, 70))) == list(numbered(0, 70))


def test_of_too_much_the_log_has_the_beginning_and_the_end_and_how_much_is_missing() -> None:
    lines = 100_000
    chunks = [as_bytes(numbered(start, start + 100)) for start in range(0, lines, 100)]

    found = logged(*chunks)

    cut = found.index(CUT)
    assert found[:cut] == list(numbered(0, cut))
    assert LIMIT <= 13 * cut < LIMIT + 2 * len(chunks[0])
    last = found[cut + 2 :]
    assert last == list(numbered(lines - len(last), lines))
    assert len(last) > KEPT_BYTES // 14 - 10
    missing = 14 * (lines - cut - len(last))
    assert found[cut + 1] == f"[batchctl: {missing:,} bytes of output are left out here]"


def test_what_is_little_more_than_the_limit_is_logged_whole() -> None:
    chunks = [as_bytes(numbered(start, start + 10)) for start in range(0, 1000, 10)]
    assert [line for line in logged(*chunks) if line != CUT] == list(numbered(0, 1000))


def test_empty_lines_count_as_what_they_take_in_the_log() -> None:
    found = logged(*[b"\n" * 10] * 50, extra=64)
    assert found.index(CUT) == 20


@pytest.mark.parametrize("chunk", [b"x" * 65_536, b"\n" * 65_536, b"\r50%" * 16_384])
def test_it_keeps_no_more_the_more_is_printed(chunk: bytes) -> None:
    output = Output(1, LIMIT)
    for _ in range(200):
        list(output.add(chunk))
    assert len(output._end) + len(output._lines._rest) < 3 * KEPT_BYTES


def test_an_item_that_prints_without_end_ends_as_it_would_and_its_log_stays_small(
    jobs: Jobs, runner: Runner
) -> None:
    runner.compute("""
        import sys

        def compute(item, parameters):
            if item == "a":
                for number in range(300):
                    sys.stdout.write(("x" * 62 + "\\n") * 520)
                print("it was long")
            print("done with", item)
            return {}
    """)
    jobs.put(["a", "b"])

    done = runner.run()

    assert done.status == 0
    assert jobs.statuses() == {"a": "SUCCEEDED", "b": "SUCCEEDED"}
    assert len(done.out) < 2 * MOST_LOGGED_BYTES
    assert done.printed("a")[-2:] == ["it was long", "done with a"]
    assert done.printed("b") == ["done with b"]
    assert any("bytes of output are left out here" in line for line in done.printed("a"))


def test_an_import_that_prints_without_end_is_cut_as_well(jobs: Jobs, runner: Runner) -> None:
    runner.compute("""
        for number in range(80_000):
            print("x" * 62)
        def compute(item, parameters):
            return {}
    """)
    jobs.put(["a"])

    done = runner.run()

    assert (done.status, jobs.statuses()) == (0, {"a": "SUCCEEDED"})
    assert "bytes of output are left out here" in done.out
