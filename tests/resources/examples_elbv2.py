"""Examples of the Elastic Load Balancing kinds."""

from __future__ import annotations

import dataclasses

from example import Example
from examples_awslambda import function, load_balancer, permission, target_group
from examples_ec2 import compute

from batchctl.engine.plan import Action
from batchctl.resources.elbv2.listeners import Listener, Rule
from batchctl.resources.elbv2.load_balancers import AccessLogs
from batchctl.resources.elbv2.target_groups import Target

listener = Listener(label="api", name="batchapp-api", load_balancer=load_balancer, port=9999)
target = Target(
    label="splitter",
    name=function.name,
    target_group=target_group,
    function=function,
    permission=permission,
)
other_target_group = dataclasses.replace(target_group, label="other", name="batchapp-other")
rule = Rule(
    label="splitter",
    name="batchapp-splitter",
    listener=listener,
    priority=10,
    methods=("PUT",),
    paths=("/v1/new-task",),
    target_group=target_group,
    target=target,
)

EXAMPLES = [
    Example(load_balancer, dataclasses.replace(load_balancer, security_group=compute)),
    Example(
        dataclasses.replace(load_balancer, access_logs=AccessLogs("logs", "api")), load_balancer
    ),
    Example(
        target_group, dataclasses.replace(target_group, name="batchapp-renamed"), Action.REPLACE
    ),
    Example(target, dataclasses.replace(target, target_group=other_target_group), Action.REPLACE),
    Example(listener, dataclasses.replace(listener, port=8888), Action.REPLACE),
    Example(rule, dataclasses.replace(rule, paths=("/v1/tasks/*", "/v1/tasks"))),
]
