"""What `doctor`, `image`, `cost` and `batchctl.map` need beside what the kinds declare."""

from __future__ import annotations

from batchctl.contract.shipped_code import CODE_PREFIX
from batchctl.resource.grants import Grant

STATE = "state"
"""`when` of what a state takes that is shared in S3."""

GRANTS = (
    Grant("read up down jobs", "s3", "GetObject", ("arn:{partition}:s3:::{state}/*",), when=STATE),
    Grant("up down", "s3", "PutObject", ("arn:{partition}:s3:::{state}/*",), when=STATE),
    Grant("read", "ec2", "DescribeInstanceTypeOfferings DescribeSubnets DescribeVpcEndpoints"),
    Grant("read", "lambda", "GetAccountSettings"),
    Grant("read", "servicequotas", "ListServiceQuotas"),
    # `cost --refresh`
    Grant("read", "pricing", "GetProducts"),
    # One that isn't there has no path.
    Grant("read", "iam", "GetRole", ("role/aws-service-role/*", "role/AWSServiceRoleFor*")),
    # Of the caller: `doctor` simulates what `up` needs.
    Grant("read", "iam", "SimulatePrincipalPolicy", ("role/*", "user/*")),
    # `batchctl.map`: not of `jobs`, as whoever may store code may have the job role run it.
    Grant(
        "map",
        "dynamodb",
        "PutItem",
        ("table/{stack}-jobs",),
        {
            "ForAllValues:StringLike": {"dynamodb:LeadingKeys": (f"{CODE_PREFIX}*",)},
            "Null": {"dynamodb:LeadingKeys": ("false",)},
        },
    ),
)
