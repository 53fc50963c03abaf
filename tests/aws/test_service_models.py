"""What is kept of botocore's models does what the whole does, and is a twentieth of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel

from batchctl.aws.service_models import ServiceModels

SERVICES = (
    "apigateway", "batch", "dynamodb", "ec2", "ecr", "elbv2", "events", "iam", "lambda", "logs",
    "sqs", "sts", "wafv2",
)  # fmt: skip
# In a process of its own, as here all tests share the models of their clients.
SCRIPT = """
import sys
from pathlib import Path
import boto3
from moto import mock_aws
from batchctl.aws.service_models import ServiceModels
from batchctl.aws.session import Aws, Connection

def run():
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    session = boto3.Session(**keys, region_name="us-east-1")
    models = ServiceModels(Path(sys.argv[1]))
    aws = Aws(Connection(session, models=models), stack="batchapp", tags={})
    aws.sqs.create_queue(QueueName="jobs", tags={"batchctl:stack": "batchapp"})
    print(aws.sqs.get_queue_url(QueueName="jobs")["QueueUrl"])
    print(len(list(aws.iam.get_paginator("list_roles").paginate())))
    try:
        aws.iam.get_role(RoleName="nobody")
    except aws.iam.exceptions.NoSuchEntityException:
        print("nobody")
    print(len(aws.iam._client.meta.service_model.operation_names))

with mock_aws():
    run()
    run()
"""


def new_session() -> boto3.Session:
    """A session whose models are its own."""
    found = botocore.session.Session()
    found.register_component("data_loader", Loader(include_default_search_paths=True))
    return boto3.Session(botocore_session=found, region_name="us-east-1")


def model_in(session: boto3.Session, service: str) -> ServiceModel:
    loader: Any = vars(session)["_session"].get_component("data_loader")
    return ServiceModel(loader.load_service_model(service, "service-2"), service)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> ServiceModels:
    """The models of every service, kept by a first run."""
    found, session = ServiceModels(tmp_path_factory.mktemp("cache")), new_session()
    for service in SERVICES:
        found.keep(session, service)
    return found


def test_a_run_keeps_a_twentieth_of_what_botocore_has(models: ServiceModels) -> None:
    sizes = {each.parts[-3]: each.stat().st_size for each in models.folder.rglob("service-2.json")}
    assert sizes.keys() == set(SERVICES)
    assert sum(sizes.values()) < 700_000


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_that_is_kept_is_as_botocore_has_it(
    models: ServiceModels, service: str
) -> None:
    later = new_session()
    models.use_in(later)
    short, whole = model_in(later, service), model_in(new_session(), service)
    assert 0 < len(short.operation_names) < len(whole.operation_names)
    assert short.metadata == whole.metadata
    for name in short.operation_names:
        ours, theirs = short.operation_model(name), whole.operation_model(name)
        assert ours.http == theirs.http
        assert [e.name for e in ours.error_shapes] == [e.name for e in theirs.error_shapes]
        for each in ("input_shape", "output_shape"):
            shape, wanted = getattr(ours, each), getattr(theirs, each)
            assert (shape and set(shape.members)) == (wanted and set(wanted.members))


def test_calls_pages_and_errors_work_with_what_is_kept_as_well(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    first, later = done.stdout.splitlines()[:4], done.stdout.splitlines()[4:]
    assert first[:3] == later[:3]
    assert int(later[3]) < 50 < int(first[3])


def test_a_folder_that_cannot_be_written_costs_nothing_but_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ServiceModels(tmp_path / "file").keep(new_session(), "sts")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
