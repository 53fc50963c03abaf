"""The front door `alb`: the load balancer that leads requests from the internet to the functions.

API Gateway is in `rest_api`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from batchctl.config import Config
from batchctl.contract.front_doors import FRONT_DOORS, REST_API
from batchctl.resource import Resource
from batchctl.resources.acm import Certificate
from batchctl.resources.awslambda.functions import Function
from batchctl.resources.awslambda.triggers import Permission
from batchctl.resources.ec2.network import Network
from batchctl.resources.ec2.security_groups import Ingress, SecurityGroup
from batchctl.resources.elbv2.listeners import Listener, Rule
from batchctl.resources.elbv2.load_balancers import AccessLogs, LoadBalancer
from batchctl.resources.elbv2.target_groups import Target, TargetGroup
from batchctl.stack.functions import Functions
from batchctl.stack.rest_api import build_rest_api
from batchctl.stack.web_acl import web_acl


def build_front_door(
    config: Config, network: Network, functions: Functions
) -> tuple[Resource[Any], ...]:
    """Return what leads to all of the front door that config.yaml chooses."""
    if FRONT_DOORS[config.api.mode] is REST_API:
        return build_rest_api(config, functions)
    listener = _listener(config, network)
    submit = _Route(10, ("PUT",), ("/v1/new-task", "/v1/new-task/"))
    read = _Route(20, ("GET",), ("/v1/tasks", "/v1/tasks/*"))
    return (
        _rule(config, listener, functions.receiver, submit),
        _rule(config, listener, functions.api, read),
    )


def _listener(config: Config, network: Network) -> Listener:
    security_group = SecurityGroup(
        label="load_balancer",
        name=f"{config.name}-load-balancer",
        description="batchctl: the load balancer of the API",
        network=network,
        ingress=(Ingress(port=config.api.port, cidrs=tuple(config.api.allowed_cidrs)),),
        # It reaches the functions through the Lambda API, not the network.
        open_egress=False,
    )
    arn, logs = config.api.certificate_arn, config.api.access_log_bucket
    load_balancer = LoadBalancer(
        label="api",
        name=f"{config.name}-api",
        network=network,
        security_group=security_group,
        access_logs=AccessLogs(logs, config.api.access_log_prefix) if logs else None,
    )
    return Listener(
        label="api",
        name=f"{config.name}-api",
        load_balancer=load_balancer,
        port=config.api.port,
        certificate=Certificate(label="api", name=arn) if arn else None,
        guarded_by=web_acl(config, load_balancer),
    )


@dataclass(frozen=True)
class _Route:
    """Requests of these methods and paths; the lower priority number is tried first."""

    priority: int
    methods: tuple[str, ...]
    paths: tuple[str, ...]


def _rule(config: Config, listener: Listener, function: Function, route: _Route) -> Rule:
    """Return the rule that leads the route's requests to a function."""
    target_group = TargetGroup(
        label=function.label,
        name=f"{config.name}-{function.label}",
        load_balancer=listener.load_balancer,
    )
    permission = Permission(
        label=function.label,
        name=function.name,
        function=function,
        principal_service="elasticloadbalancing",
        source=target_group,
    )
    target = Target(
        label=function.label,
        name=function.name,
        target_group=target_group,
        function=function,
        permission=permission,
    )
    return Rule(
        label=function.label,
        name=target_group.name,
        listener=listener,
        priority=route.priority,
        methods=route.methods,
        paths=route.paths,
        target_group=target_group,
        target=target,
    )
