"""Examples of the Lambda kinds."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import io
import zipfile

from example import Example
from examples_ec2 import network, security_group
from examples_sqs import queue

from batchctl.engine.plan import Action
from batchctl.packaging import Package
from batchctl.resource import Output
from batchctl.resources.awslambda.functions import Function
from batchctl.resources.awslambda.triggers import EventSourceMapping, Permission
from batchctl.resources.elbv2.load_balancers import LoadBalancer
from batchctl.resources.elbv2.target_groups import TargetGroup
from batchctl.resources.iam.roles import Allow, Role
from batchctl.resources.logs import LogGroup


def package(code: str) -> Package:
    """A zip with one module, `code.py`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("code.py"), code)
    digest = hashlib.sha256(buffer.getvalue()).digest()
    return Package(buffer.getvalue(), base64.b64encode(digest).decode())


# Lambda's own name for it: moto forgets another.
log_group = LogGroup(label="splitter", name="/aws/lambda/batchapp-JobSplitter", retention_days=7)
role = Role(
    label="splitter",
    name="batchapp-splitter",
    trusts="lambda",
    allows=(
        Allow(
            sid="ReceiveJobs",
            actions=("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
            on=(queue,),
        ),
    ),
)
function = Function(
    label="splitter",
    name="batchapp-JobSplitter",
    role=role,
    handler="code.handler",
    package=package("def handler(event, context): return {}"),
    runtime="python3.13",
    memory_mib=512,
    timeout_s=60,
    environment={"QUEUE_URL": Output(queue, "url"), "JOB_QUEUE": "compute"},
    log_group=log_group,
    tracing=True,
)
limited = dataclasses.replace(
    function,
    label="limited",
    name="batchapp-limited",
    log_group=LogGroup(label="limited", name="/aws/lambda/batchapp-limited", retention_days=7),
    reserved_concurrency=5,
)
load_balancer = LoadBalancer(
    label="api", name="batchapp-api", network=network, security_group=security_group
)
target_group = TargetGroup(label="splitter", name="batchapp-splitter", load_balancer=load_balancer)
permission = Permission(
    label="splitter",
    name=function.name,
    function=function,
    principal_service="elasticloadbalancing",
    source=target_group,
)
mapping = EventSourceMapping(label="splitter", name=function.name, queue=queue, function=function)

EXAMPLES = [
    Example(function, dataclasses.replace(function, package=package("def handler(*_): pass"))),
    Example(limited, dataclasses.replace(limited, reserved_concurrency=None)),
    Example(mapping, dataclasses.replace(mapping, batch_size=1)),
    Example(permission, dataclasses.replace(permission, source_suffix="/x"), Action.REPLACE),
]
