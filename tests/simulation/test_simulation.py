"""Whatever happens to a stack, the next `up` mends it and `down` leaves nothing: by seeds.

A life that breaks says its seed; `python bench/simulation.py --seed N` repeats it with its calls.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from stack_life import Life

AT_ONCE = 10


def _live(first: int, folder: Path) -> Counter[str]:
    counted: Counter[str] = Counter()
    for seed in range(first, first + AT_ONCE):
        life = Life(seed, folder)
        try:
            life.live()
        except Exception as error:
            error.add_note(f"repeat it: python bench/simulation.py --seed {seed}")
            raise
        counted += life.counted + Counter(life.world.counted)
    return counted


@pytest.mark.parametrize("first", range(0, 30, AT_ONCE))
def test_lives_end_well(first: int, tmp_path: Path) -> None:
    """Killed runs, lost answers, drift and lost states: nothing is twice, left or taken away."""
    counted = _live(first, tmp_path)
    # There has been something to survive.
    assert counted["killed runs"]
    assert counted["completed runs"]


@pytest.mark.exhaustive
@pytest.mark.parametrize("first", range(30, 300, AT_ONCE))
def test_more_lives_end_well(first: int, tmp_path: Path) -> None:
    """The same, of more seeds."""
    _live(first, tmp_path)


def test_a_seed_is_a_reproduction(tmp_path: Path) -> None:
    """The same seed makes the same calls with the same faults, to the last one."""
    logs = []
    for each in ("one", "other"):
        (tmp_path / each).mkdir()
        life = Life(7, tmp_path / each)
        life.live()
        logs.append(life.world.log)
    assert logs[0] == logs[1]
