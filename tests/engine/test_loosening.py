"""What lets more in is marked in the plan, but not while a run of ours is still making it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from cloud import Thing

from batchctl.engine.plan import Step, decide
from batchctl.engine.state import StateRecord
from batchctl.resource import Actual, Outputs, Properties

MADE = {"id": "app-fence", "arn": "arn:app-fence"}


@dataclass(frozen=True, kw_only=True)
class Fence(Thing):
    """A thing that lets more in whenever it changes."""

    kind: ClassVar[str] = "fence"

    def loosened(self, actual: Properties, desired: Properties) -> Iterable[str]:
        del actual, desired
        return ("everyone comes in",)


fence = Fence(label="fence", name="app-fence")


def decided(record: StateRecord | None) -> Step:
    actual = Actual(Outputs(**MADE), {"Name": "app-fence", "Height": 2}, {})
    desired = {"Name": "app-fence", "Height": 1}
    return decide(fence, record, actual, desired, {})


def test_a_change_that_lets_more_in_is_marked() -> None:
    assert decided(StateRecord("fence", "fence", outputs=MADE)).loosens == ("everyone comes in",)


def test_a_change_to_what_others_made_or_a_lost_state_forgot_is_marked() -> None:
    assert decided(None).loosens == ("everyone comes in",)


def test_what_a_run_was_making_when_it_was_killed_is_finished_without_a_question() -> None:
    step = decided(StateRecord("fence", "fence", outputs=None))
    assert step.changes
    assert step.loosens == ()
