"""What kinds say of the calls that a plan makes for several at once is what the services take."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import fields
from typing import Any

import pytest

from batchctl import resources
from batchctl.aws.batched_reads import BatchedRead
from batchctl.aws.session import Aws
from batchctl.resource import Resource

for module in pkgutil.iter_modules(resources.__path__, "batchctl.resources."):
    importlib.import_module(module.name)
KINDS = [(kind, each) for kind in Resource.kinds.values() for each in kind.batched_reads]
SERVICES = {"elasticloadbalancing": "elbv2"}


@pytest.mark.parametrize(
    ("kind", "read"), [pytest.param(*pair, id=f"{pair[0].kind}") for pair in KINDS]
)
def test_the_service_takes_several_names_and_says_each_in_its_answer(
    aws: Aws, kind: type[Resource[Any]], read: BatchedRead
) -> None:
    prefix, _, operation = read.operation.partition(".")
    model = aws.connection.client(SERVICES.get(prefix, prefix)).meta.service_model
    assert model.endpoint_prefix == prefix
    shapes = model.operation_model(operation)
    assert shapes.input_shape
    assert shapes.output_shape
    wanted = "string" if read.by_prefix else "list"
    assert shapes.input_shape.members[read.parameter].type_name == wanted
    listed: Any = shapes.output_shape.members[read.answers]
    assert read.known_by in listed.member.members
    assert read.of in {each.name for each in fields(kind.outputs)}
