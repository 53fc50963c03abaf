"""Put small mistakes into the code, one at a time, and see whether the tests notice.

    .venv/bin/python bench/mutants.py | tee mutants.log       # 160 mutants
    .venv/bin/python bench/mutants.py --count 12 --seed 3
    .venv/bin/python bench/mutants.py --again mutants.log     # those that no test noticed

Each mutant is one change (a comparison, a condition, a constant, a step left out) in a copy of the
repository. Which tests reach which line is measured once and kept in build/. Those that reach the
changed line run first, then what else is about the file, each time the quickest first, until one
fails; the exhaustive ones and those of the whole application are left out. A test that fails
without the mistake as well has noticed nothing, and is left out from then on. A mutant that
no test notices survives and is named: a promise that nothing pins, or a change that changes
nothing. Ends with 1 when fewer than nine in ten are noticed. Not a part of continuous integration.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mutant_sites import Mutant, Site, mutant_at, sites_of
from mutant_tests import Reach, measured
from mutant_trials import NOTICED, SURVIVED, TIMED_OUT, Trials, copy_of

ROOT = Path(__file__).resolve().parent.parent
WANTED = 0.9


@dataclass(frozen=True)
class Area:
    """What is mutated, and the folder of tests whose subject it is."""

    name: str
    sources: tuple[str, ...]
    folder: str

    def files(self) -> Iterator[Path]:
        """Yield its files, relative to the repository."""
        for pattern in self.sources:
            yield from (path.relative_to(ROOT) for path in sorted(ROOT.glob(pattern)))


AREAS = (
    Area("engine", ("batchctl/engine/*.py",), "tests/engine"),
    Area("functions", ("handlers/**/*.py",), "tests/handlers"),
    Area("container", ("batchctl/runner/**/*.py",), "tests/runner"),
    Area("retry rules", ("batchctl/aws/retries/*.py",), "tests/aws"),
    Area("diagnosis", ("batchctl/jobs/diagnosis/*.py",), "tests/jobs"),
)


def main() -> int:
    """Try the mutants that the options ask for, print what came of each; return the exit code."""
    options = _options()
    chosen = _again(options.again) if options.again else choose(options.count, options.seed)
    with copy_of(ROOT) as copy:
        sources = [path for area in AREAS for path in area.files()]
        reach = measured(copy, sources, ROOT / "build" / "mutants.json")
        return _report(*_try_all(Trials(copy), reach, chosen, options.seconds))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=160, help="how many mutants")
    parser.add_argument("--seed", type=int, default=1, help="which ones")
    parser.add_argument("--again", type=Path, help="a log: try what it says was not noticed")
    parser.add_argument(
        "--seconds", type=float, default=60, help="of tests for one mutant, as they took before"
    )
    return parser.parse_args()


def choose(count: int, seed: int) -> list[tuple[Area, Mutant]]:
    """Return so many mutants, of each area in proportion to its size, the same for a seed."""
    chance = random.Random(seed)  # noqa: S311 - which mutants are tried is no secret
    everything = list(_everything())
    chosen = chance.sample(everything, min(count, len(everything)))
    return [(area, mutant_at(ROOT, site)) for area, site in chosen]


def _everything() -> Iterator[tuple[Area, Site]]:
    for area in AREAS:
        for path in area.files():
            yield from ((area, site) for site in sites_of(ROOT, path))


def _again(log: Path) -> list[tuple[Area, Mutant]]:
    """Return the mutants that a log names as not noticed, on whatever line they are by now."""
    lines = log.read_text(encoding="utf-8").splitlines()
    wanted = [line for line in lines if f" {SURVIVED} in " in line or f" {TIMED_OUT} in " in line]
    named = {path for area in AREAS for path in area.files() if any(str(path) in w for w in wanted)}
    found = ((area, mutant_at(ROOT, site)) for area, site in _everything() if site.path in named)
    return [
        (area, mutant)
        for area, mutant in found
        if any(str(mutant.path) in w and w.endswith(mutant.change) for w in wanted)
    ]


def _try_all(
    trials: Trials, reach: Reach, chosen: Sequence[tuple[Area, Mutant]], seconds: float
) -> tuple[Mapping[str, Counter[str]], list[str]]:
    """Return how often each outcome came, by area, and what was not noticed."""
    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    unnoticed: list[str] = []
    for number, (area, mutant) in enumerate(chosen, 1):
        began = time.monotonic()
        tests = reach.tests_of(mutant.path, mutant.line, area.folder, seconds)
        outcome, noticed_by = trials.try_one(mutant, tests)
        by = f" by {noticed_by}" if noticed_by else f", {len(tests)} tests"
        took_s = time.monotonic() - began
        print(f"{number}/{len(chosen)} {outcome} in {took_s:.0f} s{by}: {mutant}", flush=True)
        outcomes[area.name][outcome] += 1
        if outcome != NOTICED:
            unnoticed.append(f"{outcome}: {area.name}: {mutant}")
    return outcomes, unnoticed


def _report(outcomes: Mapping[str, Counter[str]], unnoticed: Sequence[str]) -> int:
    print(f"\n{'area':<16}{NOTICED:>10}{TIMED_OUT:>11}{SURVIVED:>10}")
    total: Counter[str] = sum(outcomes.values(), Counter())
    for area, counts in [*outcomes.items(), ("in all", total)]:
        print(f"{area:<16}{counts[NOTICED]:>10}{counts[TIMED_OUT]:>11}{counts[SURVIVED]:>10}")
    # A mutant that hangs would be seen by whoever waits for the tests.
    share = (total[NOTICED] + total[TIMED_OUT]) / max(total.total(), 1)
    print(f"{share:.0%} noticed (a hang counts); at least {WANTED:.0%} wanted")
    for each in unnoticed:
        print(each)
    return 0 if share >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main())
