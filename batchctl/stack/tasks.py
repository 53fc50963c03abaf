"""How tasks are cut and run: environment variables of functions and containers, from `compute`.

What belongs to a task alone, such as its slice, comes with its Batch job.
"""

from __future__ import annotations

from batchctl.config import Config
from batchctl.contract.environment import Container, Function
from batchctl.contract.slices import MAX_CHOSEN_ITEMS_PER_TASK, attempt_s

LEAST_TIMEOUT_S = 60
"""AWS Batch API Reference, JobTimeout."""


def slicing(config: Config, machine_vcpus: int | None) -> dict[str, str]:
    """Return what the receiver cuts a job into tasks by.

    `machine_vcpus` is what all tasks share on the local cloud, None in AWS. An exit status can
    speak for one item alone: without our runner a task has one, unless config.yaml says otherwise.
    """
    compute = config.compute
    items = compute.items_per_task
    if items == "auto" and not compute.has_runner:
        items = 1
    chosen = {} if items == "auto" else {Function.ITEMS_PER_TASK: str(items)}
    vcpus = compute.max_vcpus if machine_vcpus is None else machine_vcpus
    return {**chosen, Function.AT_ONCE: str(max(1, vcpus // compute.vcpus))}


def running(config: Config) -> dict[str, str]:
    """Return what the functions that submit and judge Batch jobs know of the tasks."""
    compute = config.compute
    runner = {Function.RUNNER: "1"} if compute.has_runner else {}
    return {
        **runner,
        Function.PROCESSES: str(compute.items_at_once),
        Function.ITEM_TIMEOUT_S: str(compute.timeout_s),
        **following(config),
        Function.SHARES: "1",
    }


def following(config: Config) -> dict[str, str]:
    """Return what the functions know that make the runs which follow by themselves."""
    return {Function.MEMORY_SIZES: ",".join(map(str, config.compute.memory_sizes_mib))}


def container(config: Config) -> dict[str, str]:
    """Return what every container knows of how to run its items."""
    compute = config.compute
    return {
        Container.TRIES: str(compute.tries),
        Container.PROCESSES: str(compute.items_at_once),
        Container.ITEM_TIMEOUT_S: str(compute.timeout_s),
    }


def longest_attempt_s(config: Config) -> int:
    """Return the job definition's time limit of an attempt: that of the largest task.

    Each job that has our runner brings a limit of its own, which follows from its items.
    """
    compute = config.compute
    items = compute.items_per_task
    if not compute.has_runner:
        return max(LEAST_TIMEOUT_S, compute.timeout_s * (1 if items == "auto" else items))
    most = MAX_CHOSEN_ITEMS_PER_TASK if items == "auto" else items
    return attempt_s(most, compute.items_at_once, compute.timeout_s)
