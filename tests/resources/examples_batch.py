"""Examples of the Batch kinds."""

from __future__ import annotations

import dataclasses

from example import Example
from examples_ec2 import compute, launch_template, network

from batchctl.engine.plan import Action
from batchctl.resources.batch.definitions import JobDefinition
from batchctl.resources.batch.environments import ComputeEnvironment
from batchctl.resources.batch.queues import JobQueue
from batchctl.resources.batch.scheduling_policies import SchedulingPolicy
from batchctl.resources.iam.profiles import InstanceProfile, ServiceLinkedRole
from batchctl.resources.iam.roles import Role
from batchctl.resources.logs import LogGroup

instance_role = Role(
    label="instance",
    name="batchapp-instance",
    trusts="ec2",
    managed_policies=("service-role/AmazonEC2ContainerServiceforEC2Role",),
)
spot = ComputeEnvironment(
    label="spot",
    name="batchapp-spot",
    model="SPOT",
    network=network,
    security_group=compute,
    instance_profile=InstanceProfile(
        label="instance", name="batchapp-instance", role=instance_role
    ),
    launch_template=launch_template,
    service_linked_role=ServiceLinkedRole(
        label="batch", name="AWSServiceRoleForBatch", service="batch"
    ),
    instance_types=("m6i", "c6i"),
    min_vcpus=0,
    max_vcpus=128,
)
on_demand = dataclasses.replace(spot, label="on_demand", name="batchapp-on-demand", model="EC2")
policy = SchedulingPolicy(label="compute", name="batchapp-fair-share", share_decay_s=600)
queue = JobQueue(
    label="compute",
    name="batchapp-compute",
    compute_environments=(spot, on_demand),
    scheduling_policy=policy,
)
definition = JobDefinition(
    label="compute",
    name="batchapp-compute",
    image="000000000000.dkr.ecr.us-east-1.amazonaws.com/batchapp@sha256:0a1b",
    command=("python", "runner.py"),
    vcpus=1,
    memory_mib=1024,
    timeout_s=3600,
    attempts=10,
    job_role=Role(label="job", name="batchapp-job", trusts="ecs-tasks"),
    log_group=LogGroup(label="compute", name="/batchctl/batchapp/compute", retention_days=7),
    environment={"PATHS": "1000", "BATCHCTL_TABLE": "batchapp-jobs", "EMPTY": ""},
)

EXAMPLES = [
    # moto ignores what UpdateComputeEnvironment says of computeResources: test_batch has that.
    Example(spot, dataclasses.replace(spot, name="renamed-spot"), Action.REPLACE),
    Example(policy, dataclasses.replace(policy, share_decay_s=3600)),
    Example(queue, dataclasses.replace(queue, compute_environments=(on_demand, spot))),
    Example(definition, dataclasses.replace(definition, memory_mib=2048)),
]
