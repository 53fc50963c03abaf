"""One set of routes behind both doors, on events as AWS sends them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from surroundings import lambda_context

from handlers.http.front_door import FrontDoor, RequestError, query, reply

Event = Callable[[str], dict[str, Any]]


@pytest.fixture
def door() -> FrontDoor:
    """Doors that answer what they were asked, and the errors that the path names."""
    front_door = FrontDoor()

    @front_door.routes.get("/v1/tasks")
    def get_query() -> Any:
        event = front_door.routes.current_event
        return reply(200, {name: query(event, name) for name in ("limit", "next")})

    @front_door.routes.get("/v1/tasks/<job_id>")
    def get_error(job_id: str) -> Any:
        errors = {
            "demo-1": RequestError(404, "no job `demo-1`", "job_id"),
            "away": EndpointConnectionError(endpoint_url="https://batch"),
            "broken": KeyError("broken"),
        }
        raise errors[job_id]

    return front_door


def ask(door: FrontDoor, event: dict[str, Any]) -> tuple[int, Any]:
    answer = door.answer(event, lambda_context())
    return answer["statusCode"], json.loads(answer["body"])


def test_a_load_balancers_query_string_is_decoded(door: FrontDoor, event: Event) -> None:
    assert ask(door, event("alb_get_encoded_query")) == (200, {"limit": "1", "next": "W3g="})


def test_of_several_values_of_a_query_parameter_the_last_one_counts(
    door: FrontDoor, event: Event
) -> None:
    assert ask(door, event("alb_get_multi_value")) == (200, {"limit": "1", "next": None})


def test_api_gateways_query_string_is_taken_as_it_is(door: FrontDoor, event: Event) -> None:
    assert ask(door, event("rest_get_query")) == (200, {"limit": "1", "next": "W3g="})


def test_api_gateways_null_maps_are_empty(door: FrontDoor, event: Event) -> None:
    assert ask(door, event("rest_get_null_maps")) == (200, {"limit": None, "next": None})


@pytest.mark.parametrize("name", ["alb_get", "rest_get"])
def test_a_refusal_says_what_and_which_field(door: FrontDoor, event: Event, name: str) -> None:
    assert ask(door, event(name)) == (404, {"error": "no job `demo-1`", "field": "job_id"})


@pytest.mark.parametrize("name", ["alb_get", "rest_get"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/v1/tasks/demo-1/more"),
        ("GET", "/V1/tasks"),
        ("DELETE", "/v1/tasks"),
        ("HEAD", "/v1/tasks"),
        ("OPTIONS", "/v1/tasks"),
        ("POST", "/v1/tasks/demo-1"),
    ],
)
def test_another_path_or_method_is_a_404_in_json(
    door: FrontDoor, event: Event, name: str, method: str, path: str
) -> None:
    asked = event(name) | {"httpMethod": method, "path": path}
    assert ask(door, asked) == (404, {"error": "not found"})


@pytest.mark.parametrize("name", ["alb_get", "rest_get"])
def test_a_slash_at_the_end_of_a_path_changes_nothing(
    door: FrontDoor, event: Event, name: str
) -> None:
    status, _ = ask(door, event(name) | {"path": "/v1/tasks/"})
    assert status == 200


def test_an_aws_service_away_is_a_503_that_says_when_to_come_again(
    door: FrontDoor, event: Event
) -> None:
    answer = door.answer(event("alb_get") | {"path": "/v1/tasks/away"}, lambda_context())
    assert (answer["statusCode"], answer["headers"]["Retry-After"]) == (503, "1")


def test_a_fault_of_ours_is_a_500_that_gives_nothing_away(door: FrontDoor, event: Event) -> None:
    asked = event("alb_get") | {"path": "/v1/tasks/broken"}
    assert ask(door, asked) == (500, {"error": "internal error"})


def test_an_answer_has_its_headers_where_its_door_wants_them(door: FrontDoor, event: Event) -> None:
    json_type = "application/json"
    assert door.answer(event("alb_get"), lambda_context())["headers"]["Content-Type"] == json_type
    for name in ("alb_get_multi_value", "rest_get"):
        answer = door.answer(event(name), lambda_context())
        assert answer["multiValueHeaders"]["Content-Type"] == [json_type]
        assert "headers" not in answer
