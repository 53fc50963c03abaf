"""Examples of the EC2 kinds; the account's default VPC has to be public, as AWS makes it."""

from __future__ import annotations

import dataclasses

from example import Example

from batchctl.engine.plan import Action
from batchctl.resources.ec2.launch_templates import LaunchTemplate
from batchctl.resources.ec2.network import Network
from batchctl.resources.ec2.security_groups import Ingress, SecurityGroup

network = Network(label="network", name="default VPC")
security_group = SecurityGroup(
    label="load_balancer",
    name="batchapp-load-balancer",
    description="batchctl: the load balancer of the API",
    network=network,
    ingress=(Ingress(port=9999, cidrs=("203.0.113.0/24", "2001:DB8::/32")),),
)
compute = SecurityGroup(
    label="compute", name="batchapp-compute", description="batchctl: compute", network=network
)
launch_template = LaunchTemplate(
    label="compute",
    name="batchapp-compute",
    root_device="/dev/xvda",
    root_volume_gib=30,
    user_data="MIME-Version: 1.0\n",
)

EXAMPLES = [
    Example(network),
    Example(launch_template, dataclasses.replace(launch_template, root_volume_gib=40)),
    Example(
        security_group,
        dataclasses.replace(security_group, ingress=(Ingress(port=80, cidrs=("0.0.0.0/0",)),)),
    ),
    Example(compute, dataclasses.replace(compute, open_egress=False)),
    Example(
        dataclasses.replace(compute, label="described", name="batchapp-described"),
        dataclasses.replace(
            compute, label="described", name="batchapp-described", description="another"
        ),
        Action.REPLACE,
    ),
]
