"""Put small mistakes into the code, one at a time, and see whether the tests notice.

    .venv/bin/python bench/mutants.py                       # 160 mutants: an hour or two
    .venv/bin/python bench/mutants.py --count 12 --seed 3

Each mutant is one change (a comparison, a condition, a constant, a step left out) in a copy of the
repository. The tests that import the changed module, directly or through others, run until one
fails: nearest first, the exhaustive ones and those of the whole application left out. A mutant that
no test notices survives and is named: a promise that nothing pins, or a change that changes
nothing. Ends with 1 when fewer than nine in ten are noticed. Not a part of continuous integration.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mutant_sites import Mutant, mutant_at, sites_of

ROOT = Path(__file__).resolve().parent.parent
AREAS: Mapping[str, tuple[str, ...]] = {
    "engine": ("batchctl/engine/*.py",),
    "functions": ("handlers/**/*.py",),
    "compute runner": ("compute/*.py", "batchctl/runner/**/*.py"),
    "retry rules": ("batchctl/aws/retr*.py", "batchctl/aws/retries/*.py"),
    "diagnosis": ("batchctl/jobs/diagnosis/findings.py", "batchctl/jobs/diagnosis/causes.py"),
}
LEFT_OUT = "not exhaustive and not e2e"
NOTICED, SURVIVED, TIMED_OUT = "noticed", "survived", "timed out"
WANTED = 0.9
AT_ONCE = 12
"""So many test modules run in one call of pytest, then the next, farther ones."""
NO_TESTS = 5
"""pytest's exit code when nothing was collected: all of a module's tests were left out."""


def main() -> int:
    """Try the mutants that the options ask for, print what came of each; return the exit code."""
    options = _options()
    chosen = choose(options.count, options.seed)
    covering = Covering(ROOT)
    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    unnoticed: list[str] = []
    with _copy_of_repository() as copy:
        for number, (area, mutant) in enumerate(chosen, 1):
            began = time.monotonic()
            outcome = try_one(copy, mutant, covering.tests_of(mutant.path), options.timeout)
            took_s = time.monotonic() - began
            print(f"{number}/{len(chosen)} {outcome} in {took_s:.0f} s: {mutant}", flush=True)
            outcomes[area][outcome] += 1
            if outcome == SURVIVED:
                unnoticed.append(f"{area}: {mutant}")
    return _report(outcomes, unnoticed)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=160, help="how many mutants")
    parser.add_argument("--seed", type=int, default=1, help="which ones")
    parser.add_argument("--timeout", type=float, default=300, help="seconds for one mutant")
    return parser.parse_args()


def choose(count: int, seed: int) -> list[tuple[str, Mutant]]:
    """Return so many mutants, of each area in proportion to its size, the same for a seed."""
    chance = random.Random(seed)  # noqa: S311 - which mutants are tried is no secret
    everything = [
        (area, site)
        for area, patterns in AREAS.items()
        for pattern in patterns
        for path in sorted(ROOT.glob(pattern))
        for site in sites_of(ROOT, path.relative_to(ROOT))
        if path.name != "compute.py"  # the user's own, a sample
    ]
    chosen = chance.sample(everything, min(count, len(everything)))
    return [(area, mutant_at(ROOT, site)) for area, site in chosen]


class Covering:
    """Which test modules import a module of the repository, the nearest first."""

    def __init__(self, root: Path) -> None:
        """Read what each file imports."""
        self._root = root
        files = [
            path.relative_to(root)
            for folder in ("batchctl", "handlers", "compute", "tests")
            for path in sorted((root / folder).rglob("*.py"))
        ]
        self._names: dict[str, Path] = {}
        for path in files:
            for name in _names_of(path):
                self._names.setdefault(name, path)
        self._imports = {path: self._imported(path) for path in files}

    def tests_of(self, changed: Path) -> list[Path]:
        """Return the test modules in which the changed file is, the nearest first.

        Near is what few imports lie between, and of those what stands in a folder of its name.
        """
        near, seen, found = {changed}, {changed}, list[Path]()
        while near:
            importing = {path for path, its in self._imports.items() if its & near} - seen
            near = (importing | self._beside_conftests(importing)) - seen
            seen |= near
            tests = (path for path in near if path.name.startswith("test_"))
            found += sorted(tests, key=lambda path: (path.parent.name not in changed.parts, path))
        return found

    def _beside_conftests(self, near: set[Path]) -> set[Path]:
        """Return the tests that use the fixtures of a conftest.py, as they stand beside it."""
        folders = {path.parent for path in near if path.name == "conftest.py"} - {Path("tests")}
        return {path for path in self._imports if path.parent in folders}

    def _imported(self, path: Path) -> set[Path]:
        tree = ast.parse((self._root / path).read_text(encoding="utf-8"))
        named: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                named |= {node.module, *(f"{node.module}.{each.name}" for each in node.names)}
            elif isinstance(node, ast.Import):
                named |= {each.name for each in node.names}
        return {self._names[name] for name in named if name in self._names}


def _names_of(path: Path) -> Iterator[str]:
    """Yield the names by which a file may be imported: by its package, or by itself alone."""
    parts = path.with_suffix("").parts
    yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    if parts[0] in {"tests", "compute"}:
        yield parts[-1]


def try_one(copy: Path, mutant: Mutant, tests: Sequence[Path], timeout_s: float) -> str:
    """Return what the tests say of a mutant, which is in the copy only as long as they run."""
    target = copy / mutant.path
    original = target.read_text(encoding="utf-8")
    target.write_text(mutant.source, encoding="utf-8")
    deadline = time.monotonic() + timeout_s
    try:
        for start in range(0, len(tests), AT_ONCE):
            code = _run(copy, tests[start : start + AT_ONCE], deadline - time.monotonic())
            if code is None:
                return TIMED_OUT
            if code not in {0, NO_TESTS}:
                return NOTICED
        return SURVIVED
    finally:
        target.write_text(original, encoding="utf-8")


def _run(copy: Path, tests: Sequence[Path], timeout_s: float) -> int | None:
    """Return pytest's exit code; None when it took too long, and all of its processes are ended."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    with subprocess.Popen(
        [*command, "-m", LEFT_OUT, *map(str, tests)],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            return process.wait(max(timeout_s, 1))
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            return None


@contextlib.contextmanager
def _copy_of_repository() -> Iterator[Path]:
    """Give a copy without what was made (compiled code would hide a mutant)."""
    passed_over = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", ".batchctl")
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = Path(folder) / "repository"
        shutil.copytree(ROOT, copy, ignore=passed_over, symlinks=True)
        yield copy


def _report(outcomes: Mapping[str, Counter[str]], unnoticed: Sequence[str]) -> int:
    print(f"\n{'area':<16}{NOTICED:>10}{SURVIVED:>10}{TIMED_OUT:>11}")
    for area, counts in outcomes.items():
        print(f"{area:<16}{counts[NOTICED]:>10}{counts[SURVIVED]:>10}{counts[TIMED_OUT]:>11}")
    total: Counter[str] = sum(outcomes.values(), Counter())
    # A mutant that hangs would be seen by whoever waits for the tests.
    share = (total[NOTICED] + total[TIMED_OUT]) / total.total()
    print(f"{'in all':<16}{total[NOTICED]:>10}{total[SURVIVED]:>10}{total[TIMED_OUT]:>11}")
    print(f"{share:.0%} noticed (a hang counts); at least {WANTED:.0%} wanted")
    for each in unnoticed:
        print(f"survived: {each}")
    return 0 if share >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main())
