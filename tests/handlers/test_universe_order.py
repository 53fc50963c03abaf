"""Results in the order of the universe, which nobody's bytes say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from jobs_left import Jobs

from handlers.store import universe_order
from handlers.store.jobs import JobStore

Get = Callable[..., tuple[int, Any]]
IN_ORDER = {"order": "universe"}
REVERSED = [f"item-{n}" for n in reversed(range(300))]


@pytest.fixture
def some(jobs: Jobs) -> None:
    """A job of 300 items, the last name first, of which every tenth has a result."""
    jobs.submitted(items=300, items_per_task=300)
    for number in range(0, 300, 10):
        jobs.result(f"item-{number}")


def pages(get: Get, **query: str) -> list[dict[str, Any]]:
    found, token = [], None
    while True:
        status, body = get(**query, **({} if token is None else {"next": token}))
        assert status == 200
        found.append(body["results"])
        if (token := body.get("next")) is None:
            return found


def items(get: Get, **query: str) -> list[str]:
    return [item for page in pages(get, **query) for item in page]


@pytest.mark.parametrize("limit", ["45", "250", "1000"])
@pytest.mark.usefixtures("some")
def test_results_come_in_the_order_of_the_universe_page_by_page(get: Get, limit: str) -> None:
    wanted = [item for item in REVERSED if int(item[5:]) % 10 == 0]
    assert items(get, **IN_ORDER, limit=limit) == wanted


@pytest.mark.usefixtures("some")
def test_all_of_them_have_those_without_a_result(get: Get) -> None:
    found = {k: v for page in pages(get, **IN_ORDER, all="true") for k, v in page.items()}
    assert list(found) == REVERSED
    assert found["item-1"] == {"index": 298, "status": "PENDING"}
    assert (found["item-10"]["index"], found["item-10"]["status"]) == (289, "SUCCEEDED")


@pytest.mark.usefixtures("some")
def test_they_begin_after_an_item(get: Get) -> None:
    assert items(get, **IN_ORDER, after="item-30") == ["item-20", "item-10", "item-0"]
    assert items(get, **IN_ORDER, after="item-30", all="true", limit="20")[0] == "item-29"
    status, body = get(**IN_ORDER, after="other")
    assert (status, body["field"]) == (400, "after")


@pytest.mark.usefixtures("some")
def test_one_items_result_is_found_by_its_name(get: Get) -> None:
    assert list(get(item="item-10")[1]["results"]) == ["item-10"]
    assert get(item="item-1")[1]["results"] == {}
    assert get(item="")[1]["results"] == {}


def test_items_show_their_own_parameters(get: Get, jobs: Jobs, table: JobStore) -> None:
    jobs.submitted(items=2, items_per_task=2)
    job = table.read("demo-1")
    assert job is not None
    table.universe.write(job, ["item-1", "item-0"], {1: '{"x":1}'})
    jobs.result("item-0")
    (page,) = pages(get, **IN_ORDER)
    assert page["item-0"]["parameters"] == {"x": 1}


@pytest.mark.usefixtures("some")
def test_a_page_is_no_larger_than_an_answer_may_be(
    get: Get, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(universe_order, "MAX_PAGE_BYTES", 300)
    found = pages(get, **IN_ORDER, limit="1000")
    assert len(found) > 5
    assert [item for page in found for item in page] == [
        item for item in REVERSED if int(item[5:]) % 10 == 0
    ]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"order": "random"}, "order"),
        ({"all": "yes", "order": "universe"}, "all"),
        ({"all": "true"}, "all"),
        ({"after": "item-1"}, "after"),
        ({"order": "universe", "next": "WyJhIl0"}, "next"),
        ({"order": "universe", "next": "Wy0xXQ"}, "next"),
    ],
)
@pytest.mark.usefixtures("some")
def test_a_query_that_makes_no_sense_is_refused(
    get: Get, query: dict[str, str], field: str
) -> None:
    status, body = get(**query)
    assert (status, body["field"]) == (400, field)
