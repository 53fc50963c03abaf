"""What makes every test quick: AWS's service models and managed policies are read once."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from apigateway_as_aws import refuse_as_aws
from made_once import make_once
from moto import settings as moto_settings
from moto.awslambda.models import LambdaBackend
from moto.backends import get_backend
from moto.iam import models as moto_iam
from moto.sqs.models import SQSBackend
from settings_as_aws import keep_settings
from strict_calls import StrictCalls
from xdist.scheduler import LoadScopeScheduling

MANAGED_POLICIES = (
    "AmazonEC2ContainerServiceforEC2Role",
    "AWSLambdaVPCAccessExecutionRole",
    "AWSLambdaSQSQueueExecutionRole",
    "AmazonSQSReadOnlyAccess",
    "AmazonAPIGatewayPushToCloudWatchLogs",
)


# New objects before Python looks for cycles among them. With its own 700 the search took 10 to 20 %
# of the CPU time of tests on moto.
NEW_OBJECTS = 50_000
# What is imported and collected stays to the end: cycles are looked for from the first test on.
gc.disable()

# A certificate is issued when it is asked for, not a minute later.
moto_settings.ACM_VALIDATION_WAIT = -1
PUT_EVENT_INVOKE_CONFIG = LambdaBackend.put_function_event_invoke_config
SET_QUEUE_ATTRIBUTES = SQSBackend.set_queue_attributes


def pytest_configure(config: pytest.Config) -> None:
    """Hold every call that we make in a test against AWS's models."""
    config.pluginmanager.register(StrictCalls(), "strict-calls")


class OneByOne(LoadScopeScheduling):
    """Gives each test to whichever process is free; those that share a module's set-up to one."""

    def __init__(self, config: pytest.Config, log: Any = None) -> None:
        super().__init__(config, log)
        self._shares: dict[str, bool] = {}

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        if module not in self._shares:
            path = self.config.rootpath / module
            self._shares[module] = any(map(_sets_up_for_all, (path, path.with_name("conftest.py"))))
        return module if self._shares[module] else nodeid


def _sets_up_for_all(path: Path) -> bool:
    """Whether a file has a fixture for all tests of a module."""
    if not path.exists():
        return False
    return '\n@pytest.fixture(scope="module"' in path.read_text(encoding="utf-8")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneByOne:
    """Share the tests out among processes, whatever `--dist` says."""
    return OneByOne(config, log)


def pytest_runtestloop() -> None:
    """Leave what is there before the first test out of every search for cycles."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, 10, 10)
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def settings_kept_as_aws_keeps_them() -> Iterator[None]:
    """Let a put of Lambda replace what was put before, and SQS keep a policy that isn't sent.

    (Lambda API Reference, PutFunctionEventInvokeConfig; SQS API Reference, SetQueueAttributes.)
    """

    def put(backend: Any, function_name: str, config: dict[str, Any]) -> Any:
        backend.get_function(function_name).event_invoke_config.clear()
        return PUT_EVENT_INVOKE_CONFIG(backend, function_name, config)

    def set_attributes(backend: Any, queue_name: str, attributes: dict[str, Any]) -> Any:
        present = backend.get_queue(queue_name).policy
        return SET_QUEUE_ATTRIBUTES(backend, queue_name, {"Policy": present, **attributes})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LambdaBackend, "put_function_event_invoke_config", put)
        patch.setattr(SQSBackend, "set_queue_attributes", set_attributes)
        keep_settings(patch)
        yield


@pytest.fixture(scope="session", autouse=True)
def shared_models() -> Iterator[None]:
    """Share botocore's parsed models, and give moto only the managed policies that tests use.

    moto would parse all of AWS's thousand policies, and make 1,300 machine images that nobody
    looks at, for every test: two seconds each time.
    """
    everything = json.loads(vars(moto_iam)["aws_managed_policies_data"])
    used = {name: everything[name] for name in MANAGED_POLICIES if name in everything}
    with pytest.MonkeyPatch.context() as patch:
        make_once(patch)
        # What the commands keep in the user's cache is for processes of their own.
        for module in ("account", "local_cloud"):
            patch.setattr(f"batchctl.application.{module}.cached_models", lambda: None)
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
        "events",
        "iam",
        "lambda",
        "logs",
        "sqs",
        "wafv2",
    ):
        regions = get_backend(service)["123456789012"]
        _ = regions["us-east-1" if "us-east-1" in regions else "aws"].urls
    _ = get_backend("sts")["123456789012"]["aws"].urls
