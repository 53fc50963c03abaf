"""Put small mistakes into the code, one at a time, and see whether the tests notice.

    .venv/bin/python bench/mutants.py                   # 160 mutants; go on where it was stopped
    .venv/bin/python bench/mutants.py --count 12 --seed 3
    .venv/bin/python bench/mutants.py --again           # those that no test noticed

Each mutant is one change (a comparison, a condition, a constant, a step left out) in a copy of the
repository. Which tests reach which line is measured once. Those that reach the changed line run
first, then what else is about the file, each time the quickest first, until one fails; the
exhaustive ones and those of the whole application are left out. A test that fails, or hangs,
without the mistake as well has noticed nothing, and is left out from then on. What was measured and
what came of each mutant is kept in build/.

A mutant that no test notices survives and is named: a promise that nothing pins, or a change that
changes nothing. Ends with 1 when fewer than nine in ten are noticed. Run it while the machine has
nothing else to do: a test that waits for its turn seems to hang. Not a part of continuous
integration.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mutant_sites import Mutant, Site, mutant_at, sites_of
from mutant_tests import measured
from mutant_trials import NOTICED, SURVIVED, TIMED_OUT, Trials, copy_of

ROOT = Path(__file__).resolve().parent.parent
LOG = ROOT / "build" / "mutants.jsonl"
"""What came of each mutant, a line each; the last one of a mutant counts."""
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
    LOG.parent.mkdir(exist_ok=True)
    return _report(_outcomes(options, choose(options.count, options.seed)))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=160, help="how many mutants")
    parser.add_argument("--seed", type=int, default=1, help="which ones")
    parser.add_argument("--again", action="store_true", help="try those that survived once more")
    parser.add_argument("--afresh", action="store_true", help="try all once more")
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


def _outcomes(
    options: argparse.Namespace, chosen: Sequence[tuple[Area, Mutant]]
) -> Iterator[tuple[str, str, str]]:
    """Yield area, outcome and mutant; what the log has is not tried again."""
    known = {} if options.afresh else _known(options.again)
    left = [each for each in chosen if str(each[1]) not in known]
    if left:
        known |= _try(left, options.seconds)
    yield from ((area.name, known[str(mutant)], str(mutant)) for area, mutant in chosen)


def _try(chosen: Sequence[tuple[Area, Mutant]], seconds: float) -> dict[str, str]:
    """Return the outcome of each mutant; print it and add it to the log as soon as it is known."""
    sources = [path for area in AREAS for path in area.files()]
    outcomes = {}
    with copy_of(ROOT) as copy, LOG.open("a", encoding="utf-8") as log:
        reach, trials = measured(copy, sources, LOG.with_name("mutants.json")), Trials(copy)
        for number, (area, mutant) in enumerate(chosen, 1):
            began = time.monotonic()
            tests = reach.tests_of(mutant.path, mutant.line, area.folder, seconds)
            outcome, noticed_by = trials.try_one(mutant, tests)
            by = f" by {noticed_by}" if noticed_by else f", {len(tests)} tests"
            took = f"{outcome} in {time.monotonic() - began:.0f} s{by}"
            print(f"{number}/{len(chosen)} {took}: {mutant}", flush=True)
            print(json.dumps({"mutant": str(mutant), "outcome": outcome}), file=log, flush=True)
            outcomes[str(mutant)] = outcome
    return outcomes


def _known(again: bool) -> dict[str, str]:
    """Return the last outcome of each mutant of the log; with `again` of what was noticed."""
    lines = LOG.read_text(encoding="utf-8").splitlines() if LOG.exists() else []
    tried = {each["mutant"]: each["outcome"] for each in map(json.loads, lines)}
    return {name: outcome for name, outcome in tried.items() if not again or outcome != SURVIVED}


def _report(tried: Iterable[tuple[str, str, str]]) -> int:
    """Print how many of each area were noticed, and name what was not."""
    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    survivors = []
    for area, outcome, mutant in tried:
        outcomes[area][outcome] += 1
        survivors += [f"{area}: {mutant}"] if outcome == SURVIVED else []
    total: Counter[str] = sum(outcomes.values(), Counter())
    print(f"\n{'area':<16}{NOTICED:>10}{TIMED_OUT:>10}{SURVIVED:>10}")
    for name, counts in [*outcomes.items(), ("in all", total)]:
        print(f"{name:<16}{counts[NOTICED]:>10}{counts[TIMED_OUT]:>10}{counts[SURVIVED]:>10}")
    # A mutant that hangs would be seen by whoever waits for the tests.
    share = 1 - total[SURVIVED] / total.total()
    print(f"{share:.0%} noticed (a hang counts); at least {WANTED:.0%} wanted")
    for each in survivors:
        print(f"survived: {each}")
    return 0 if share >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main())
