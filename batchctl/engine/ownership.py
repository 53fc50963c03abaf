"""Whose a recorded resource is now: asked of AWS before each deletion, whatever the state says.

Others may have made something under a recorded name, and a state may have come with a repository.
"""

from __future__ import annotations

from dataclasses import dataclass

from batchctl.aws.session import Aws
from batchctl.engine.kinds import kind_of, outputs_of
from batchctl.engine.reading import read
from batchctl.engine.state import StateRecord
from batchctl.resource import NotOwned, Outputs, foreign_because, is_owned

# An answer about ownership is as good as new for so long: between a plan and its deletions no more
# time may pass, or it is asked again.
FRESH_S = 10.0
# Within how many seconds AWS shows in reads what was made.
SHOWN_WITHIN_S = 5.0


@dataclass(frozen=True)
class Found:
    """What a record stands for: `outputs` of what is there and ours, or why it is `foreign`.

    Neither: there is nothing.
    """

    outputs: Outputs | None = None
    foreign: str | None = None


NOTHING = Found()


def find_owned(record: StateRecord, aws: Aws, *, is_deposed: bool = False) -> Found:
    """Return what AWS has of a record: by its recorded id, else by name and tag.

    What AWS doesn't show for once must not be left behind, as nobody would know of it any more: it
    is asked for again. A deposed one has only its id: what has its name may be its successor.
    """
    found = _found(record, aws, is_deposed)
    if found == NOTHING:
        aws.on_wait("AWS to show what may just have been made")
        aws.clock.pause(SHOWN_WITHIN_S)
        found = _found(record, aws, is_deposed)
    return found


def _found(record: StateRecord, aws: Aws, is_deposed: bool) -> Found:
    kind, outputs = kind_of(record), outputs_of(record)
    if outputs is not None:
        found = _judged(record, outputs, aws)
        if found is not None:
            return found
        if is_deposed:
            return NOTHING
    try:
        actual = read(kind, aws, None, record.identity)
    except NotOwned as error:
        return Found(foreign=error.message)
    if actual is None:
        return NOTHING
    return _judged(record, actual.outputs, aws) or NOTHING


def _judged(record: StateRecord, outputs: Outputs, aws: Aws) -> Found | None:
    """Return whose it is by its tags; None when it is gone."""
    tags = kind_of(record).tags_of(aws, outputs)
    if tags is None:
        return None
    if is_owned(aws, tags):
        return Found(outputs)
    because = foreign_because(aws, tags)
    what = "it" if kind_of(record).taggable else "what it belongs to"
    return Found(foreign=f"it is not this stack's: {what} {because}")
