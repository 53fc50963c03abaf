"""Examples of the IAM kinds."""

from __future__ import annotations

import dataclasses

from example import Example
from examples_sqs import dead_letters

from batchctl.resource import Output
from batchctl.resources.iam.profiles import InstanceProfile, ServiceLinkedRole
from batchctl.resources.iam.roles import Allow, Role

send = Allow(sid="QueueJobs", actions=("sqs:SendMessage",), on=(dead_letters,))
role = Role(label="receiver", name="batchapp-TaskReceiver-role", trusts="lambda", allows=(send,))
describe = Allow(
    sid="DescribeJobs",
    actions=("batch:ListJobs", "batch:DescribeJobs"),
    on=("*", Output(dead_letters, "arn")),
)
instance_role = Role(
    label="instance",
    name="batchapp-instance",
    trusts="ec2",
    managed_policies=("service-role/AmazonEC2ContainerServiceforEC2Role",),
)
other_role = dataclasses.replace(instance_role, label="other", name="batchapp-other")
instance_profile = InstanceProfile(label="instance", name="batchapp-instance", role=instance_role)
service_linked_role = ServiceLinkedRole(
    label="batch", name="AWSServiceRoleForBatch", service="batch"
)

EXAMPLES = [
    Example(role, dataclasses.replace(role, allows=(send, describe))),
    Example(instance_role, dataclasses.replace(instance_role, managed_policies=())),
    Example(instance_profile, dataclasses.replace(instance_profile, role=other_role)),
    Example(service_linked_role),
]
