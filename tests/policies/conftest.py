"""An account to name things in, that is never called."""

from __future__ import annotations

import boto3
import pytest

from batchctl.aws.session import Aws, Connection
from batchctl.resource import Deployed


@pytest.fixture
def placeless() -> Deployed:
    """Nothing deployed, in us-east-1 of the account 123456789012."""
    session = boto3.Session(region_name="us-east-1")
    aws = Aws(Connection(session), stack="batchapp", tags={})
    vars(aws)["account"] = "123456789012"
    return Deployed(aws)
