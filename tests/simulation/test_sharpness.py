"""The simulation notices when what protects a stack is missing: a guard against a blunt one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import shapes
import stack_life
from stack_life import Life
from world import Broken

from batchctl.engine import apply, delete, ownership
from batchctl.engine.state import StateFile, StateRecord

Breaking = Callable[[pytest.MonkeyPatch], None]
SEEDS = 400


def _no_lock(patch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def unlocked(_path: Path) -> Iterator[None]:
        yield

    patch.setattr(stack_life, "locked", unlocked)


def _nothing_recorded_before_a_creation(patch: pytest.MonkeyPatch) -> None:
    put = StateFile.put

    def only_outputs(self: StateFile, record: StateRecord) -> None:
        if record.outputs is not None:
            put(self, record)

    patch.setattr(StateFile, "put", only_outputs)


def _owner_not_asked_before_deletion(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ownership, "is_owned", lambda _aws, _tags: True)


def _owner_not_asked_before_adoption(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(shapes, "require_owned", lambda _aws, _what, _tags: None)


def _deleted_in_any_order(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(delete, "_reversed_graph", lambda by_key: {key: set() for key in by_key})


def _not_looked_for_after_a_lost_answer(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(apply._Applier, "_seen", lambda *_: None)


def _orphans_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(apply, "orphans_of", lambda _stack, _state: ())


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "breaking",
    [
        _no_lock,
        _nothing_recorded_before_a_creation,
        _owner_not_asked_before_deletion,
        _owner_not_asked_before_adoption,
        _deleted_in_any_order,
        _not_looked_for_after_a_lost_answer,
        _orphans_forgotten,
    ],
    ids=lambda breaking: breaking.__name__.strip("_"),
)
def test_a_missing_protection_is_noticed(
    breaking: Breaking, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without any one of them some life breaks soon."""
    breaking(monkeypatch)
    with pytest.raises(Broken):  # noqa: PT012 - whichever of them it is
        for seed in range(SEEDS):
            Life(seed, tmp_path).live()
