"""Lives of a stack in a bad world, by seeds: `--seed N` repeats one, and prints its calls.

Without it `--seeds` lives are tried from `--first` on; what breaks is printed with its seed. See
tests/simulation and docs/development.md.
"""

from __future__ import annotations

import sys
import tempfile
import time
from argparse import ArgumentParser
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "simulation"))

from stack_life import Life

# In memory where there is such a folder: each state is written to disk a hundred times.
IN_MEMORY = Path("/dev/shm")  # noqa: S108 - files in it have a folder of their own


def main() -> int:
    """Try the lives that the command line asks for; 1 when one breaks."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, help="repeat one life, with its calls")
    parser.add_argument("--seeds", type=int, default=1000, help="how many lives (1000)")
    parser.add_argument("--first", type=int, default=0, help="the first seed (0)")
    parser.add_argument("--minutes", type=float, default=600.0, help="begin no life after that")
    arguments = parser.parse_args()
    one = arguments.seed is not None
    seeds = [arguments.seed] if one else range(arguments.first, arguments.first + arguments.seeds)
    counted: Counter[str] = Counter()
    broken = 0
    started = time.monotonic()
    with tempfile.TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as folder:
        for seed in seeds:
            if time.monotonic() - started > 60 * arguments.minutes:
                break
            life = Life(seed, Path(folder))
            try:
                life.live()
            except Exception as error:  # of whatever kind: a finding
                broken += 1
                print(f"seed {seed}: {type(error).__name__}: {error}", flush=True)
                if one:
                    print(*life.world.log, sep="\n")
                    raise
            counted += life.counted + Counter(life.world.counted)
            counted["calls"] += life.world.calls
            counted["lives"] += 1
            if one:
                print(*life.world.log, sep="\n")
    print(f"{broken} of {counted['lives']} broken in {time.monotonic() - started:.0f} s")
    print(*(f"{count:10,} {what}" for what, count in counted.most_common()), sep="\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
