"""What makes every test quick: AWS's service models and managed policies are read once."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator

import botocore.session
import pytest
from apigateway_as_aws import refuse_as_aws
from moto.backends import get_backend
from moto.iam import models as moto_iam

MANAGED_POLICIES = (
    "AmazonEC2ContainerServiceforEC2Role",
    "AWSLambdaVPCAccessExecutionRole",
    "AWSLambdaSQSQueueExecutionRole",
    "AmazonSQSReadOnlyAccess",
    "AmazonAPIGatewayPushToCloudWatchLogs",
)


@pytest.fixture(scope="session", autouse=True)
def shared_models() -> Iterator[None]:
    """Share botocore's parsed models, and give moto only the managed policies that tests use.

    moto would parse all of AWS's thousand policies, and make 1,300 machine images that nobody
    looks at, for every test: two seconds each time.
    """
    everything = json.loads(moto_iam.aws_managed_policies_data)
    used = {name: everything[name] for name in MANAGED_POLICIES if name in everything}
    with pytest.MonkeyPatch.context() as patch:
        loader = functools.cache(botocore.session.create_loader)
        patch.setattr(botocore.session, "create_loader", loader)
        patch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
        patch.setattr(moto_iam, "aws_managed_policies_data", json.dumps(used))
        _import_services()
        refuse_as_aws(patch)
        yield


def _import_services() -> None:
    """Import moto's services now: it would at the first call, of many threads at once."""
    for service in (
        "apigateway",
        "batch",
        "dynamodb",
        "ec2",
        "ecr",
        "ecs",
        "elbv2",
        "iam",
        "lambda",
        "logs",
        "sqs",
    ):
        regions = get_backend(service)["123456789012"]
        _ = regions["us-east-1" if "us-east-1" in regions else "aws"].urls
    _ = get_backend("sts")["123456789012"]["aws"].urls
