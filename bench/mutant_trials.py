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

NOTICED, SURVIVED, TIMED_OUT = "noticed", "survived", "hung"
LEFT_OUT = "not exhaustive and not e2e"
TEST_LIMIT_S = 45
"""A test that takes longer hangs, if it passes in that time without the mistake."""
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
        self._stopped_at = copy.parent / "stopped-at"
        self._sound: set[str] = set()
        self._unsound: set[str] = set()

    def try_one(self, mutant: Mutant, tests: Sequence[str]) -> tuple[str, str | None]:
        """Return what the tests, in this order, say of a mutant; and which of them noticed it."""
        left = [each for each in tests if each not in self._unsound]
        while left:
            with self._mistake(mutant):
                code = self._run(left)
            if code in {0, NO_TESTS}:
                break
            name = self._stopped_at.read_text(encoding="utf-8")
            if self._is_sound(name):
                return TIMED_OUT if code == -signal.SIGALRM else NOTICED, name or "collection"
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

    def _run(self, tests: Sequence[str]) -> int:
        self._stopped_at.write_text("", encoding="utf-8")
        return run_pytest(self._copy, ["-x", *tests], [Noticing(self._stopped_at)])

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
    """A plugin of pytest's: writes down which test runs, and ends all at one that hangs.

    With `-x` that is the first one that fails.
    """

    def __init__(self, path: Path) -> None:
        """Write to this file."""
        self._path = path

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Let the alarm end this process unless the next test begins, or all end, before it."""
        self._path.write_text(nodeid, encoding="utf-8")
        signal.alarm(TEST_LIMIT_S)


def run_pytest(copy: Path, tests: Sequence[str], plugins: Sequence[object]) -> int:
    """Return pytest's exit code, or the negative number of a signal; end what it left behind."""
    for name in OF_OTHERS:
        import_module(name)
    process = multiprocessing.get_context("fork").Process(
        target=_as_pytest, args=(copy, tests, plugins)
    )
    process.start()
    process.join()
    if process.pid is None or process.exitcode is None:
        raise RuntimeError("could not run pytest: its process has no end")
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    return process.exitcode


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
