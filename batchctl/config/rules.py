"""The rules between settings: values that are valid alone, but not in combination.

Each rule yields a `Problem` at the key to change, names the other keys concerned, and says why.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from batchctl.config.problems import Problem
from batchctl.contract.architectures import architecture_of
from batchctl.contract.front_doors import ALB, FRONT_DOORS, SIGNED

if TYPE_CHECKING:
    from batchctl.config.settings import Config


def conflicts(config: Config) -> Iterator[Problem]:
    """Yield a problem for every rule between settings that `config` breaks."""
    yield from _front_door(config)
    yield from _access_log(config)
    yield from _subnets(config)
    yield from _vcpus(config)
    yield from _instance_types(config)
    yield from _retention(config)
    yield from _ports(config)


def _front_door(config: Config) -> Iterator[Problem]:
    mode, auth, door = ("api", "mode"), ("api", "auth"), FRONT_DOORS[config.api.mode]
    if config.api.auth not in door.auths:
        yield Problem(
            auth,
            f"must be `none` when api.mode is `{door.mode}`: {door.product} can't check IAM "
            f"signatures; use `{SIGNED.mode}` for `iam`",
            (mode,),
        )
    if not door.in_vpc and "0.0.0.0/0" not in config.api.allowed_cidrs:
        yield Problem(
            ("api", "allowed_cidrs"),
            f"must be [0.0.0.0/0] when api.mode is `{door.mode}`: {door.product} has no security "
            f"group that would keep others out; remove it and use `auth: iam`, or use `{ALB.mode}`",
            (mode,),
        )


def _access_log(config: Config) -> Iterator[Problem]:
    bucket, api = ("api", "access_log_bucket"), config.api
    door = FRONT_DOORS[api.mode]
    if not door.in_vpc and api.access_log_bucket is not None:
        yield Problem(
            bucket,
            f"must be null when api.mode is `{door.mode}`: {door.product}'s access log goes to "
            "CloudWatch Logs, for `api.log_retention_days`",
            (("api", "mode"),),
        )
    if api.access_log_prefix and api.access_log_bucket is None:
        yield Problem(
            ("api", "access_log_prefix"), "must be empty without api.access_log_bucket", (bucket,)
        )


def _subnets(config: Config) -> Iterator[Problem]:
    if len(config.network.load_balancer_subnet_ids) == 1:
        # Elastic Load Balancing API, CreateLoadBalancer: at least two Availability Zones.
        yield Problem(
            ("network", "load_balancer_subnet_ids"),
            "must name two subnets or more, in different zones, or none, names 1",
        )


def _vcpus(config: Config) -> Iterator[Problem]:
    compute = config.compute
    maximum = ("compute", "max_vcpus")
    for name, value in (("min_vcpus", compute.min_vcpus), ("vcpus", compute.vcpus)):
        if compute.max_vcpus < value:
            yield Problem(
                maximum,
                f"must be at least compute.{name} ({value}), is {compute.max_vcpus}",
                (("compute", name),),
            )
    if config.local.vcpus is not None and config.local.vcpus < compute.vcpus:
        yield Problem(
            ("local", "vcpus"),
            f"must be at least compute.vcpus ({compute.vcpus}), is {config.local.vcpus}",
            (("compute", "vcpus"),),
        )


def _instance_types(config: Config) -> Iterator[Problem]:
    for index, name in enumerate(config.compute.instance_types or ()):
        architecture = architecture_of(name)
        if architecture != config.compute.architecture:
            yield Problem(
                ("compute", "instance_types", index),
                f"must be for compute.architecture ({config.compute.architecture}), "
                f"`{name}` is {architecture}",
                (("compute", "architecture"),),
            )


def _retention(config: Config) -> Iterator[Problem]:
    # SQS developer guide, "Using dead-letter queues": the clock of a message runs on from when it
    # was first sent, so dead letters must be kept for longer than the queue keeps messages.
    kept, dead = config.queue.retention_days, config.queue.dead_letter_retention_days
    if dead <= kept:
        yield Problem(
            ("queue", "dead_letter_retention_days"),
            f"must be more than queue.retention_days ({kept}), is {dead}: "
            "a message's age counts from when it was first sent",
            (("queue", "retention_days"),),
        )


def _ports(config: Config) -> Iterator[Problem]:
    local = config.local
    if local.api_port == "auto":
        port, setting = config.api.port, ("api", "port")
    else:
        port, setting = local.api_port, ("local", "api_port")
    if local.gateway_port == port:
        yield Problem(
            ("local", "gateway_port"),
            f"must not be {'.'.join(setting)} ({port}): both listen on this machine",
            (setting,),
        )
