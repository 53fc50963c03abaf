"""docs/openapi.yaml is valid, and says what the functions say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

from batchctl.contract.limits import (
    JOB_ID,
    MAX_ITEM_CHARACTERS,
    MAX_ITEMS,
    MAX_RESULT_DEPTH,
    MAX_RUNS,
)
from batchctl.contract.reasons import Reason
from batchctl.contract.statuses import Status
from handlers import api
from handlers.http import request

ROOT = Path(__file__).parents[1]
CONTRACT: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text())
SCHEMAS = CONTRACT["components"]["schemas"]


def limit_of(path: str) -> dict[str, Any]:
    parameters = CONTRACT["paths"][path]["get"]["parameters"]
    found: dict[str, Any] = next(each for each in parameters if each.get("name") == "limit")
    return found["schema"]  # type: ignore[no-any-return]


def test_the_contract_is_valid() -> None:
    OpenAPIV31SpecValidator(CONTRACT).validate()


def schemas_in(value: Any) -> Iterator[dict[str, Any]]:
    """Every schema in the contract that names a type, at any depth."""
    if isinstance(value, dict):
        if isinstance(value.get("type"), str):
            yield value
        for inner in value.values():
            yield from schemas_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from schemas_in(inner)


def test_no_description_has_become_keys_of_its_schema() -> None:
    # In YAML's flow style a comma ends a text that isn't quoted, and what follows is a key.
    assert all(None not in each.values() for each in schemas_in(CONTRACT))


def test_the_contract_has_the_limits_of_the_functions() -> None:
    assert SCHEMAS["JobId"]["pattern"] == f"^{JOB_ID.pattern}$"
    new_task = SCHEMAS["NewTask"]["properties"]
    assert tuple(new_task) == request.FIELDS
    assert new_task["universe"]["maxItems"] == MAX_ITEMS
    assert SCHEMAS["Item"]["maxLength"] == MAX_ITEM_CHARACTERS
    assert SCHEMAS["Job"]["properties"]["attempt"]["maximum"] == MAX_RUNS
    assert limit_of("/v1/tasks") == {
        "type": "integer",
        "minimum": 1,
        "maximum": api.MAX_JOBS,
        "default": api.DEFAULT_JOBS,
    }
    assert limit_of("/v1/tasks/{job_id}") == {
        "type": "integer",
        "minimum": 1,
        "maximum": api.MAX_RESULTS,
        "default": api.DEFAULT_RESULTS,
    }


def test_the_contract_has_the_statuses_and_reasons_of_the_functions() -> None:
    shown = [str(status) for status in Status if status is not Status.RECEIVING]
    assert SCHEMAS["Status"]["enum"] == shown
    result = SCHEMAS["Result"]["properties"]
    assert all(reason in result["reason"]["description"] for reason in Reason)
    assert f"{MAX_RESULT_DEPTH} levels deep" in result["result"]["description"]


def test_the_contract_has_every_route_of_the_functions() -> None:
    from handlers import receiver  # noqa: PLC0415 - both register on routers of their own

    routes = {
        (method, rule.replace("<", "{").replace(">", "}"))
        for module in (api, receiver)
        for rule, methods, *_ in module.routes._routes
        for method in methods
    }
    stated = {
        (method.upper(), path)
        for path, operations in CONTRACT["paths"].items()
        for method in operations
    }
    assert stated == routes
