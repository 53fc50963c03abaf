"""A function on its way into the job table: where it lies, for how long, and what is refused."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest
from moto import mock_aws
from runner_jobs import CREDENTIALS, TABLE, Jobs

from batchctl.application.application import Application
from batchctl.application.function import Function
from batchctl.application.job_resources import Recorded
from batchctl.application.shipped.shipping import ship
from batchctl.application.target import Target
from batchctl.aws.session import Aws, Connection
from batchctl.config import Config
from batchctl.contract import shipped_code
from batchctl.engine.state import State
from batchctl.errors import BatchctlError, UsageError

HERE = "{}.{}".format(*sys.version_info[:2])
NOW = 1_800_000_000.0


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        Jobs()
        yield Aws(Connection(boto3.Session()), stack="batchapp", tags={})


class _Resources(Recorded):
    """A state that knows the table alone."""

    def output(self, address: str, output: str) -> str:
        return TABLE

    def arns(self, kind: str) -> Iterator[str]:
        return iter(())


def application(aws: Aws, folder: Path, **config: Any) -> Application:
    (folder / "compute").mkdir(exist_ok=True)
    (folder / "compute" / "compute.py").write_text("def compute(item, parameters): return {}\n")
    compute = {"python": HERE, **config.pop("compute", {})}
    made = SimpleNamespace(
        aws=aws,
        target=Target(folder / "config.yaml", local=False, profile=None, region=None),
        config=Config.model_validate({"compute": compute, **config}),
        recorded_resources=_Resources(cast("State", None), str(folder)),
    )
    return cast("Application", made)


def lower(item: str) -> str:
    return item.lower()


def stored(aws: Aws) -> list[dict[str, Any]]:
    return boto3.resource("dynamodb", "us-east-1").Table("jobs").scan()["Items"]


def test_the_job_names_what_lies_in_the_table(aws: Aws, tmp_path: Path) -> None:
    parameters = ship(application(aws, tmp_path), Function(lower))
    (part,) = stored(aws)
    digest = shipped_code.digest_of(part["code"].value)
    assert parameters == {shipped_code.PARAMETER: digest}
    assert part["job_id"] == f"CODE#{digest}"
    assert "expires_at" not in part


def test_code_is_kept_as_long_as_the_items_of_a_job_of_now(aws: Aws, tmp_path: Path) -> None:
    keeping = application(aws, tmp_path, job_table={"keep_days": 10})
    ship(keeping, Function(lower), now=lambda: NOW)
    (part,) = stored(aws)
    assert part["expires_at"] == NOW + (10 + 90) * 86_400


def test_a_package_that_the_image_lacks_is_refused_with_where_to_name_it(
    aws: Aws, tmp_path: Path
) -> None:
    made = application(aws, tmp_path)
    (tmp_path / "compute" / "requirements.txt").write_text("Ruamel_yaml>=0.18\n")
    ship(made, Function(lower, requirements=["ruamel.yaml"]))
    with pytest.raises(UsageError, match="the image has no numpy") as refused:
        ship(made, Function(lower, requirements=["numpy>=2", "ruamel.yaml"]))
    assert str(tmp_path / "compute" / "requirements.txt") in str(refused.value.hint)


def test_another_python_in_the_image_is_refused_before_anything_is_sent(
    aws: Aws, tmp_path: Path
) -> None:
    other = "3.12" if HERE != "3.12" else "3.13"
    with pytest.raises(UsageError, match=f"this is Python {HERE}, and tasks have {other}"):
        ship(application(aws, tmp_path, compute={"python": other}), Function(lower))
    assert stored(aws) == []


def test_a_refused_write_says_what_aws_said(aws: Aws, tmp_path: Path) -> None:
    aws.dynamodb.delete_table(TableName="jobs")
    with pytest.raises(
        BatchctlError, match=r"could not put the function into table `jobs`: PutItem"
    ):
        ship(application(aws, tmp_path), Function(lower))
