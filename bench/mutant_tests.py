"""Which tests reach which lines of the code, and how long each takes: measured once, and kept.

Every test runs once, under coverage, in one process. What it has other processes do isn't seen, so
a test also counts for a file when its folder is about it. What was measured is kept in a file: a
test module that has changed is measured again, and of a source that has changed the lines are
forgotten. Delete the file to begin anew.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
from coverage import Coverage
from mutant_trials import run_pytest

FOLDERS = (
    "engine",
    "handlers",
    "runner",
    "aws",
    "jobs",
    "contract",
    "model",
    "simulation",
    "application",
    "resources",
    "cli",
    "drift",
    "faults",
)


@dataclass(frozen=True)
class Test:
    """A test, as pytest names it, how long it took, and the lines of each source it ran."""

    name: str
    seconds: float
    reached: Mapping[str, Sequence[int]]


@dataclass(frozen=True)
class Reach:
    """What was measured; `stale` are the sources that have changed since."""

    tests: Sequence[Test]
    stale: frozenset[str]

    def tests_of(self, source: Path, line: int, folder: str, seconds: float) -> list[str]:
        """Return the tests that may notice a change of a line, in so many seconds of tests.

        First those that ran the line, then those that ran another of its file or are in the folder
        about it; of each the quickest first.
        """
        path = str(source)
        near = [
            (path in self.stale or line not in each.reached.get(path, ()), each.seconds, each.name)
            for each in self.tests
            if path in each.reached or each.name.startswith(f"{folder}/")
        ]
        near.sort()
        sums = accumulate(took for _, took, _ in near)
        return [name for (_, _, name), total in zip(near, sums, strict=True) if total <= seconds]


def measured(copy: Path, sources: Sequence[Path], kept: Path) -> Reach:
    """Return which tests reach which sources; measures what `kept` doesn't know, and keeps it."""
    before = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    digests = {str(each): _digest(copy / each) for each in sources}
    modules = {
        str(path.relative_to(copy)): _digest(path)
        for folder in FOLDERS
        for path in sorted((copy / "tests" / folder).glob("test_*.py"))
    }
    known = {
        name for name, digest in before.get("modules", {}).items() if modules.get(name) == digest
    }
    tests = [each for each in before.get("tests", ()) if _module(each["name"]) in known]
    tests += _measure(copy, sorted(set(modules) - known), sources)
    # Lines that were measured in a source as it was before count for no line of it as it is now.
    stale = {name: digest for name, digest in before.get("sources", {}).items() if known}
    kept_digests = {**digests, **stale}
    now = {"sources": kept_digests, "modules": modules, "tests": tests}
    kept.parent.mkdir(exist_ok=True)
    kept.write_text(json.dumps(now), encoding="utf-8")
    return Reach(
        [Test(**each) for each in tests],
        frozenset(name for name, digest in digests.items() if kept_digests[name] != digest),
    )


def _digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def _module(test: str) -> str:
    return test.partition("::")[0]


def _measure(copy: Path, modules: Sequence[str], sources: Sequence[Path]) -> list[dict[str, Any]]:
    """Return what the tests of some modules reach; those that fail or are skipped are left out."""
    if not modules:
        return []
    print(f"measuring which lines the tests of {len(modules)} modules reach: once", flush=True)
    answer = copy / "build" / "measured.json"
    answer.parent.mkdir(exist_ok=True)
    run_pytest(copy, [*modules], [Measuring(copy, sources, answer)])
    tests: list[dict[str, Any]] = json.loads(answer.read_text(encoding="utf-8"))
    return tests


class Measuring:
    """A plugin of pytest's: writes down what each test reaches and how long it takes."""

    def __init__(self, copy: Path, sources: Iterable[Path], answer: Path) -> None:
        """Begin with no test measured."""
        self._copy = copy
        self._sources = [str(copy / each) for each in sources]
        self._answer = answer
        self._seconds: dict[str, float] = {}
        self._without_use: set[str] = set()

    def pytest_sessionstart(self) -> None:
        """Begin to see what is run, before anything of ours is imported."""
        self._coverage = Coverage(data_file=None, config_file=False, include=self._sources)
        self._coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Take the time, and let what is run count for this test."""
        self._coverage.switch_context(item.nodeid)
        began = time.monotonic()
        try:
            return (yield)
        finally:
            self._seconds[item.nodeid] = round(time.monotonic() - began, 3)
            self._coverage.switch_context("")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Leave out what fails as the code is, or can't run here."""
        if not report.passed:
            self._without_use.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        """Write what was measured."""
        self._coverage.stop()
        data = self._coverage.get_data()
        reached: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for path in data.measured_files():
            name = str(Path(path).relative_to(self._copy))
            for line, names in data.contexts_by_lineno(path).items():
                for test in names:
                    reached[test][name].append(line)
        tests = [
            {"name": name, "seconds": took, "reached": reached.get(name, {})}
            for name, took in self._seconds.items()
            if name not in self._without_use
        ]
        self._answer.write_text(json.dumps(tests), encoding="utf-8")
