"""What each group of the application is, in a few words for people: from config.yaml alone."""

from __future__ import annotations

from collections.abc import Mapping

from batchctl.config import Config
from batchctl.contract.front_doors import FRONT_DOORS
from batchctl.resource import Group
from batchctl.stack.openness import EVERYONE, door_of

MIB_A_GIB = 1024


def purposes_of(config: Config, *, local: bool = False) -> Mapping[str, str]:
    """Return what each group does; `local`: nobody but this machine reaches the front door."""
    return {
        Group.FRONT_DOOR: _front_door(config, local=local),
        Group.QUEUE: f"jobs wait here; after {config.queue.max_receive_count} failed tries a job "
        "is a dead letter",
        Group.FUNCTIONS: "take jobs, submit them to AWS Batch, answer questions, record the end",
        Group.COMPUTE: _compute(config),
        Group.DATA: _data(config),
        Group.EVENTS: "report to JobTracker how tasks end",
    }


def _front_door(config: Config, *, local: bool) -> str:
    door, api = door_of(config), config.api
    who = "signed requests only" if door.auth == "iam" else _let_in(door.cidrs or (), local=local)
    if not FRONT_DOORS[door.mode].in_vpc:
        return f"API Gateway, {who}"
    secure = " over HTTPS" if door.scheme == "https" else ""
    return f"load balancer on port {api.port}{secure}, {who}"


def _let_in(cidrs: tuple[str, ...], *, local: bool) -> str:
    """Say who may call: `open to everyone`, `open to 10.0.0.0/8`."""
    if local:
        return "open to this machine"
    if EVERYONE[0] in cidrs:
        return "open to everyone"
    return f"open to {cidrs[0]}" if len(cidrs) == 1 else f"open to {len(cidrs)} networks"


def _compute(config: Config) -> str:
    compute = config.compute
    where = "Spot, then on demand" if compute.on_demand_fallback else "Spot"
    task = f"{compute.vcpus} vCPU{'' if compute.vcpus == 1 else 's'}, {_memory(config)} a task"
    return f"{where}, up to {compute.max_vcpus} vCPUs; {task}"


def _memory(config: Config) -> str:
    first = config.compute.memory_sizes_mib[0]
    return f"{first:,} MiB" if first % MIB_A_GIB else f"{first // MIB_A_GIB} GiB"


def _data(config: Config) -> str:
    table = config.job_table
    kept = "" if table.keep_days is None else f", kept for {table.keep_days} days"
    backed_up = "; backed up" if table.point_in_time_recovery else ""
    return f"jobs and their results{kept}{backed_up}"
