"""How large the slices of a new job are."""

from __future__ import annotations

from dataclasses import dataclass

from batchctl.contract.job_options import JobOptions
from batchctl.contract.slices import chosen_items_per_task


@dataclass(frozen=True)
class Slicing:
    """How large slices are where a job doesn't say it: `items_per_task`, or chosen for each job.

    Chosen by how many tasks can run `at_once`.
    """

    items_per_task: int | None = None
    at_once: int = 1

    def items_per_task_of(self, options: JobOptions, items: int) -> int:
        """Return how many items each task of a job of so many items is to have."""
        if (asked := options.items_per_task or self.items_per_task) is not None:
            return asked
        return chosen_items_per_task(items, self.at_once)
