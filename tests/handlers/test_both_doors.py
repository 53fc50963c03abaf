"""One request in every shape that a load balancer and API Gateway send it in: one answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from surroundings import lambda_context

from handlers import api

Event = Callable[[str], dict[str, Any]]
Put = Callable[[dict[str, Any]], tuple[int, Any]]

PUTS = (
    "alb_put",
    "alb_put_base64",
    "alb_put_multi_value",
    "rest_put",
    "rest_put_base64",
    "rest_put_signed",
)
GETS = ("alb_get", "alb_get_no_content", "rest_get")
LISTS = ("alb_get_multi_value", "rest_get_null_maps")


@pytest.fixture
def asked(
    event: Event, get: Callable[..., tuple[int, Any]]
) -> Callable[[str], tuple[int, Any, dict[str, Any]]]:
    """Send an event to JobAPI; gives status, parsed body and the whole answer."""

    def ask(name: str) -> tuple[int, Any, dict[str, Any]]:
        answer = api.handler(event(name), lambda_context())
        return answer["statusCode"], json.loads(answer["body"]), answer

    return ask


Asked = Callable[[str], tuple[int, Any, dict[str, Any]]]


@pytest.mark.parametrize("first", PUTS)
def test_a_job_is_the_same_job_by_whichever_door_it_comes_again(
    put: Put, event: Event, first: str
) -> None:
    assert put(event(first))[0] == 202
    answers = [put(event(name)) for name in PUTS]
    assert {status for status, _ in answers} == {200}
    assert all(body == answers[0][1] for _, body in answers)


def test_a_job_that_is_there_is_shown_the_same(asked: Asked, queued: Callable[..., object]) -> None:
    queued("demo-1")
    status, shown, _ = asked("alb_get")
    assert (status, shown["job_id"], shown["items"]) == (200, "demo-1", 2)
    assert [asked(name)[:2] for name in GETS] == [(200, shown)] * len(GETS)


@pytest.mark.parametrize("name", GETS)
def test_a_job_that_isnt_there_is_a_404(asked: Asked, name: str) -> None:
    assert asked(name)[:2] == (404, {"error": "no job `demo-1`"})


@pytest.mark.parametrize("name", LISTS)
def test_the_jobs_are_listed(asked: Asked, queued: Callable[..., object], name: str) -> None:
    queued("demo-1")
    status, body, _ = asked(name)
    assert status == 200
    assert [job["job_id"] for job in body["jobs"]] == ["demo-1"]


@pytest.mark.parametrize("name", ["alb_get_encoded_query", "rest_get_query"])
def test_a_position_in_the_list_is_read_as_the_client_meant_it(asked: Asked, name: str) -> None:
    status, body, _ = asked(name)
    assert (status, body["field"]) == (400, "next"), "the limit, `%31` or `1`, is a good one"


def test_a_path_that_api_gateway_has_no_route_of_its_own_for_is_a_404(asked: Asked) -> None:
    assert asked("rest_any_proxy")[:2] == (404, {"error": "not found"})


@pytest.mark.parametrize("name", [*GETS, *LISTS, "rest_any_proxy"])
def test_an_answer_has_the_form_that_both_doors_take(asked: Asked, name: str) -> None:
    _, _, answer = asked(name)
    assert isinstance(answer["statusCode"], int)
    assert isinstance(answer["body"], str)
    assert answer["isBase64Encoded"] is False
    assert answer["body"].isascii()
