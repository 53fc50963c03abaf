"""What `doctor`, `image` and `cost` must be granted beside what the kinds' own reading needs."""

from __future__ import annotations

from batchctl.resource.grants import Grant

GRANTS = (
    Grant("read", "ec2", "DescribeInstanceTypeOfferings DescribeSubnets DescribeVpcEndpoints"),
    Grant("read", "lambda", "GetAccountSettings"),
    Grant("read", "servicequotas", "ListServiceQuotas"),
    # `cost --refresh`
    Grant("read", "pricing", "GetProducts"),
    # One that isn't there has no path.
    Grant("read", "iam", "GetRole", ("role/aws-service-role/*", "role/AWSServiceRoleFor*")),
    # Of the caller: `doctor` simulates what `up` needs.
    Grant("read", "iam", "SimulatePrincipalPolicy", ("role/*", "user/*")),
)
