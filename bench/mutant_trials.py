"""Run tests on a copy of the repository, with a mistake in it or without.

pytest and what it imports of others are imported once; each run is a fork of this process, so it
imports our own code anew.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path

import pytest
from mutant_sites import Mutant

NOTICED, SURVIVED, TIMED_OUT = "noticed", "survived", "timed out"
LEFT_OUT = "not exhaustive and not e2e"
LIMIT_S, TEST_LIMIT_S = 400, 45
"""Tests that took a minute before don't take that long by the load of the machine alone; nor does
one of them."""
NO_TESTS = 5
"""pytest's exit code when nothing was collected: all of a module's tests were left out."""
OF_OTHERS = (
    "boto3",
    "click",
    "hypothesis",
    "moto.backends",
    "pydantic",
    "rich.live",
    "xdist",
    "yaml",
)


@contextlib.contextmanager
def copy_of(root: Path) -> Iterator[Path]:
    """Give a copy of the repository, without what was made there."""
    made = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", ".batchctl", "build")
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = Path(folder).resolve() / "repository"
        shutil.copytree(root, copy, ignore=made, symlinks=True)
        yield copy


class Trials:
    """Tries mutants in a copy, one after the other."""

    def __init__(self, copy: Path) -> None:
        """Begin with every test trusted."""
        self._copy = copy
        self._first_failure = copy.parent / "first-failure"
        self._sound: set[str] = set()
        self._unsound: set[str] = set()

    def try_one(self, mutant: Mutant, tests: Sequence[str]) -> tuple[str, str | None]:
        """Return what the tests, in this order, say of a mutant; and which of them noticed it."""
        left = [each for each in tests if each not in self._unsound]
        while left:
            with self._mistake(mutant):
                code = self._run(left)
            if code in {None, -signal.SIGALRM}:
                return TIMED_OUT, None
            if code in {0, NO_TESTS}:
                break
            name = self._failed()
            if self._is_sound(name):
                return NOTICED, name or "collection"
            left.remove(name)
        return SURVIVED, None

    def _is_sound(self, test: str) -> bool:
        """Whether a test passes without a mistake; what isn't collected has no name, and is."""
        if "::" not in test or test in self._sound:
            return True
        if self._run([test]) == 0:
            self._sound.add(test)
            return True
        print(f"left out, as it fails without a mistake too: {test}", flush=True)
        self._unsound.add(test)
        return False

    def _run(self, tests: Sequence[str]) -> int | None:
        self._first_failure.unlink(missing_ok=True)
        return run_pytest(self._copy, ["-x", *tests], [Noticing(self._first_failure)], LIMIT_S)

    def _failed(self) -> str:
        there = self._first_failure.exists()
        return self._first_failure.read_text(encoding="utf-8") if there else ""

    @contextlib.contextmanager
    def _mistake(self, mutant: Mutant) -> Iterator[None]:
        """Have the mistake in the copy; compiled code would hide it, or last longer than it."""
        target = self._copy / mutant.path
        original = target.read_text(encoding="utf-8")
        target.write_text(mutant.source, encoding="utf-8")
        _forget_compiled(target)
        try:
            yield
        finally:
            target.write_text(original, encoding="utf-8")
            _forget_compiled(target)


def _forget_compiled(source: Path) -> None:
    for compiled in (source.parent / "__pycache__").glob(f"{source.stem}.*"):
        compiled.unlink(missing_ok=True)


class Noticing:
    """A plugin of pytest's: writes down the first failure, and ends all at a test that hangs."""

    def __init__(self, path: Path) -> None:
        """Write to this file."""
        self._path = path

    def pytest_runtest_logstart(self) -> None:
        """Let the alarm end this process unless the next test begins, or all end, before it."""
        signal.alarm(TEST_LIMIT_S)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write the name of a test that failed."""
        if report.failed and not self._path.exists():
            self._path.write_text(report.nodeid, encoding="utf-8")


def run_pytest(
    copy: Path, tests: Sequence[str], plugins: Sequence[object], limit_s: float | None
) -> int | None:
    """Return pytest's exit code; None when it took longer. Its processes are ended in any case."""
    for name in OF_OTHERS:
        import_module(name)
    process = multiprocessing.get_context("fork").Process(
        target=_as_pytest, args=(copy, tests, plugins)
    )
    process.start()
    process.join(limit_s)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid or 0, signal.SIGKILL)
    in_time = process.exitcode
    process.join()
    return in_time


def _as_pytest(copy: Path, tests: Sequence[str], plugins: Sequence[object]) -> None:
    """Become pytest, in a group of its own, with its output in a file beside the copy."""
    os.setsid()
    os.chdir(copy)
    os.environ["PYTHONPATH"] = str(copy)
    sys.dont_write_bytecode = False
    output = os.open(copy.parent / "pytest.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    imported_before = "ignore::pytest.PytestAssertRewriteWarning"
    options = ["-q", "-p", "no:cacheprovider", "-m", LEFT_OUT, "-W", imported_before]
    os._exit(int(pytest.main([*options, *tests], plugins=list(plugins))))
