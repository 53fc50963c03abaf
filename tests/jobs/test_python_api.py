"""The Python API over the jobs' HTTP API: what a script or a notebook gets, and when."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
from scripted_api import Api, Clock

import batchctl
from batchctl.application.app import App
from batchctl.application.application import Application
from batchctl.application.target import Target
from batchctl.config import Config
from batchctl.contract.limits import is_job_id
from batchctl.jobs import JobsClient
from batchctl.jobs.job_ids import new_job_id


def job(status: str, results: dict[str, Any], items: int = 3, **more: object) -> dict[str, Any]:
    """Return the API's answer for a job with a task an item."""
    done = len(results)
    tasks = {"total": items, "pending": items - done, "running": 0, "succeeded": done, "failed": 0}
    return {
        "job_id": "risk-1",
        "status": status,
        "created_at": "2026-11-28T10:00:00.000000Z",
        "items": items,
        "tasks": tasks,
        "results": results,
        **more,
    }


def counts(ended: int, items: int = 3) -> dict[str, int]:
    """Return the API's counts of items, of which so many have succeeded."""
    waiting = items - ended
    return {"total": items, "pending": waiting, "running": 0, "succeeded": ended, "failed": 0}


def succeeded(**result: object) -> dict[str, object]:
    return {"status": "SUCCEEDED", "result": result, "attempts": 1, "seconds": 0.5}


FAILED = {"status": "FAILED", "error": "ValueError: no prices", "reason": "EXCEPTION"}
ACCEPTED = {"job_id": "risk-1", "status": "QUEUED", "tasks": 3, "href": "/v1/tasks/risk-1"}


@pytest.fixture
def app(client: JobsClient, monkeypatch: pytest.MonkeyPatch, clock: Clock) -> App:
    """The application whose API is the scripted one."""
    opened = App(Target(local=True))
    vars(opened)["_client"] = client
    vars(opened)["_application"] = cast("Application", SimpleNamespace(config=Config(name="risk")))
    monkeypatch.setattr("batchctl.application.job_handle.time.sleep", clock.sleep)
    return opened


def test_results_come_in_the_order_of_the_items_whenever_they_end(app: App, api: Api) -> None:
    api.answer(202, ACCEPTED)
    first, second = {"C": succeeded(n=3)}, {"A": succeeded(n=1), "C": succeeded(n=3)}
    for status, results in (("RUNNING", first), ("RUNNING", second)):
        api.answer(200, job(status, results))
        api.answer(200, job(status, results))
    everything = {**second, "B": succeeded(n=2)}
    api.answer(200, job("SUCCEEDED", everything))

    found = list(app.map(["A", "B", "C"], {"paths": 1}, job_id="risk-1"))

    assert found == [("A", {"n": 1}), ("B", {"n": 2}), ("C", {"n": 3})]


def test_a_result_is_given_before_the_job_has_ended(app: App, api: Api) -> None:
    api.answer(202, ACCEPTED)
    api.answer(200, job("RUNNING", {"A": succeeded(n=1)}))

    results = app.map(["A", "B"], job_id="risk-1")

    assert next(results) == ("A", {"n": 1})


def test_results_are_read_when_items_end_though_their_task_goes_on(app: App, api: Api) -> None:
    everything = {name: succeeded(n=1) for name in "ABC"}
    running = {"total": 1, "pending": 0, "running": 1, "succeeded": 0, "failed": 0}
    api.answer(200, job("RUNNING", {}, item_counts=counts(0), tasks=running))
    api.answer(200, job("RUNNING", {}, item_counts=counts(0), tasks=running))
    for _ in range(2):  # the counts, then the results
        api.answer(200, job("RUNNING", everything, item_counts=counts(3), tasks=running))

    results = app.job("risk-1").map(["A", "B", "C"])

    assert [next(results) for _ in range(3)] == [(name, {"n": 1}) for name in "ABC"]


def test_a_notebook_counts_items_where_the_api_does(app: App, api: Api) -> None:
    api.answer(200, job("RUNNING", {}, item_counts=counts(2)))
    html = app.job("risk-1")._repr_html_()
    assert '<progress max="3" value="2" aria-label="items that have ended">' in html


def test_a_failed_item_is_an_exception_with_its_name_reason_and_error(app: App, api: Api) -> None:
    api.answer(200, job("FAILED", {"A": FAILED, "B": succeeded(n=2)}))

    with pytest.raises(batchctl.ItemFailed, match=r"item `A` failed: ValueError: no prices") as at:
        next(app.job("risk-1").map(["A"]))

    assert (at.value.item, at.value.reason, at.value.code) == ("A", "EXCEPTION", "item_failed")
    assert "batchctl logs risk-1 --item A" in str(at.value.hint)


def test_exceptions_can_be_values_and_the_rest_goes_on(app: App, api: Api) -> None:
    api.answer(200, job("CANCELLED", {"A": FAILED, "B": succeeded(n=2)}))

    found = dict(app.job("risk-1").map(["A", "B", "C"], return_exceptions=True))

    assert isinstance(found["A"], batchctl.ItemFailed)
    assert found["B"] == {"n": 2}
    assert isinstance(found["C"], batchctl.NoResult), "it was cancelled before its turn"


def test_the_same_call_with_the_same_id_finds_the_job_again(app: App, api: Api) -> None:
    api.answer(200, {**ACCEPTED, "status": "SUCCEEDED"})
    api.answer(200, job("SUCCEEDED", {"A": succeeded(n=1)}, items=1))

    assert list(app.map(["A"], job_id="risk-1")) == [("A", {"n": 1})]


def test_a_job_without_an_id_gets_a_new_one_that_is_valid(app: App, api: Api) -> None:
    api.answer(202, ACCEPTED)
    submitted = app.submit(["A"])
    assert submitted.id.startswith("risk-2")
    assert is_job_id(submitted.id)
    assert len({new_job_id("risk") for _ in range(50)}) > 1


def test_a_new_id_has_the_name_and_the_time_however_long_the_name_is() -> None:
    at = datetime(2026, 11, 28, 14, 24, 3, tzinfo=UTC)
    assert re.fullmatch(r"risk-20261128-142403-[0-9a-f]{4}", new_job_id("risk", at))
    assert is_job_id(new_job_id("n" * 200, at))


def test_async_yields_the_same(app: App, api: Api) -> None:
    api.answer(202, ACCEPTED)
    api.answer(200, job("SUCCEEDED", {"A": succeeded(n=1)}, items=1))

    async def collect() -> list[tuple[str, object]]:
        return [each async for each in app.map_async(["A"], job_id="risk-1")]

    assert asyncio.run(collect()) == [("A", {"n": 1})]


def test_results_are_rows_for_a_data_frame(app: App, api: Api) -> None:
    api.answer(200, job("FAILED", {"A": succeeded(price=2.5), "B": FAILED}))

    rows = app.job("risk-1").results().to_dicts()

    assert rows[0]["item"] == "A"
    assert rows[0]["price"] == 2.5
    assert rows[1]["error"] == "ValueError: no prices"


@pytest.mark.parametrize("show", [lambda job: job, lambda job: job.results()])
def test_a_notebook_shows_a_job_and_runs_nothing_that_it_returned(
    app: App, api: Api, show: Callable[[Any], Any]
) -> None:
    api.answer(200, job("RUNNING", {"<script>x</script>": succeeded(a="<img src=x>")}, next="n"))

    html = show(app.job("risk-1"))._repr_html_()

    assert "risk-1" in html
    assert "<script>" not in html
    assert "<img" not in html
    assert "&lt;script&gt;" in html


def test_what_nobody_agreed_to_names_what_to_pass() -> None:
    error = batchctl.NeedsAgreement("loosen", ["anyone could submit jobs"])
    assert error.hint == 'to agree pass `agree={"loosen"}`'
    assert error.exit_code == 2


def test_importing_batchctl_loads_neither_boto3_nor_pydantic() -> None:
    import subprocess  # noqa: PLC0415 - a process of its own is the point
    import sys  # noqa: PLC0415 - as above

    code = "import batchctl, sys; print({'boto3', 'pydantic'} & set(sys.modules))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert ended.stdout.strip() == b"set()"
