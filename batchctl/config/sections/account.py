"""What the account gives and demands: the network and the rules for roles."""

from __future__ import annotations

from batchctl.config.sections.section import Section
from batchctl.config.values import (
    IamPath,
    PolicyArn,
    Subnets,
    VpcId,
)


class Network(Section):
    """Where things run; what is left out is looked up in the VPC."""

    vpc_id: VpcId | None = None
    """VPC; null: the region's default VPC."""
    compute_subnet_ids: Subnets = ()
    """Subnets of the compute instances; []: looked up.

    By default private subnets with a route out; if there are none, public subnets that assign
    addresses.
    """
    load_balancer_subnet_ids: Subnets = ()
    """Public subnets of the load balancer; []: looked up.

    At least two, in different zones.
    """
    function_subnet_ids: Subnets = ()
    """Subnets of the functions; []: outside the VPC.

    Inside a VPC the functions need a NAT gateway or VPC endpoints. Nothing that they call is in
    the VPC.
    """


class Iam(Section):
    """What an organisation asks of the IAM roles that are made."""

    permissions_boundary: PolicyArn | None = None
    """Permissions boundary of every role; null: none.

    The ARN of a managed policy. Where a service control policy demands one, `up` without it is
    refused.
    """
    path: IamPath = "/"
    """Path of every role and instance profile, e.g. /batch/.

    It begins and ends with a slash. Another path creates the roles again, under other names.
    """
