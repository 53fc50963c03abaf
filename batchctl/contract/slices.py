"""How the items of a run are cut into tasks: the one place that knows which task has which item.

Each task has `items_per_task` of the universe of the run, in order. Another run may put items that
may have ended their containers at its end, from `solo_from` on: those have a task each, so that
none of them costs another one its turn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

MAX_CHOSEN_ITEMS_PER_TASK = 1_000
START_S = 600
"""Seconds that a task may take beside its items: compute.py is imported, `setup` runs."""

TABLE_S = 1_800
"""Seconds that a task may take beside both of these while the job table is away: it waits for its
items with half of them, the rest is for its last results."""

MAX_ATTEMPT_S = 2**31 - 1
"""AWS Batch API reference, JobTimeout: an integer."""

TASKS_PER_SLOT = 8
"""Tasks that follow one another in a slot, at least: so that all slots end at about one time."""


@dataclass(frozen=True)
class Part:
    """Tasks in a row whose slices have one size, from a task and an item of the run on."""

    first_task: int
    tasks: int
    first_item: int
    items_per_task: int


@dataclass(frozen=True)
class Slices:
    """The slices of a run of so many items; `solo_from` `None`: none has a task of its own."""

    items: int
    items_per_task: int
    solo_from: int | None = None

    @property
    def tasks(self) -> int:
        """How many tasks there are: the last one of a part may have fewer items."""
        return sum(part.tasks for part in self.parts)

    @property
    def parts(self) -> Iterator[Part]:
        """The tasks in parts, each of one size: a container gets that size, and where it begins.

        Where others follow, the last slice that isn't full is a part of its own, of its own size:
        its container must not go on into the next one's items.
        """
        if self.solo_from is None or self.solo_from >= self.items:
            yield Part(0, -(-self.items // self.items_per_task), 0, self.items_per_task)
            return
        full, rest = divmod(self.solo_from, self.items_per_task)
        if full:
            yield Part(0, full, 0, self.items_per_task)
        if rest:
            yield Part(full, 1, full * self.items_per_task, rest)
        first_task = full + bool(rest)
        yield Part(first_task, self.items - self.solo_from, self.solo_from, 1)

    def task_of(self, index: int) -> int:
        """Return the task that works on the item at an index of the run's universe."""
        for part in self.parts:
            at = (index - part.first_item) // part.items_per_task
            if at < part.tasks:
                return part.first_task + at
        raise IndexError(index)

    def items_of(self, task: int) -> range:
        """Return the indexes of the items of a task."""
        for part in self.parts:
            if task < part.first_task + part.tasks:
                start = part.first_item + (task - part.first_task) * part.items_per_task
                return range(start, min(start + part.items_per_task, self.items))
        return range(0)


def attempt_s(items: int, at_once: int, item_timeout_s: int) -> int:
    """Return after how many seconds Batch is to end a task of so many items, some `at_once`."""
    return min(MAX_ATTEMPT_S, START_S + TABLE_S + item_timeout_s * -(-items // at_once))


def chosen_items_per_task(items: int, at_once: int) -> int:
    """Return the size of a slice where nobody has asked for one.

    As many tasks as can run at once, an item each, for a short list; of a long one each place gets
    some tasks after one another, whose start is then little beside what they compute.
    """
    if items <= at_once:
        return 1
    return min(MAX_CHOSEN_ITEMS_PER_TASK, -(-items // (TASKS_PER_SLOT * at_once)))
