"""An AWS in memory (moto) with a clock that never sleeps."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from batchctl.aws.clock import Clock
from batchctl.aws.session import Aws, Connection


@pytest.fixture
def clock() -> Clock:
    """A clock on which waiting costs no time."""
    now = [0.0]
    return Clock(now=lambda: now[0], sleep=lambda _stop, s: now.__setitem__(0, now[0] + s))


@pytest.fixture
def aws(clock: Clock) -> Iterator[Aws]:
    """The account of the stack `batchapp` in us-east-1, empty."""
    with mock_aws(
        config={
            "batch": {"use_docker": False},
            "lambda": {"use_docker": False},
            "iam": {"load_aws_managed_policies": True},
        }
    ):
        session = boto3.Session(
            aws_access_key_id="testing", aws_secret_access_key="testing", region_name="us-east-1"
        )
        yield Aws(Connection(session), stack="batchapp", tags={"team": "quant"}, clock=clock)
