"""A job whose machines are taken away again and again: every item computed, none recorded twice.

compute.py notes every call in a file before it works and gives the call's own number as the result,
so that the table can be compared with what was really computed. Beside it another job runs on
demand, which nobody takes away: it sleeps until its time is over.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from application import BATCHCTL, Application
from own_compute import TIMEOUT_S, eventually, give_vcpus, put_compute

from batchctl.contract.reasons import Failure, Reason, end_of
from batchctl.local.control.interruption import interrupt

pytestmark = [pytest.mark.e2e, pytest.mark.exhaustive]

ITEMS = [f"S{number:03d}" for number in range(200)]
COMPUTE = """
import time, uuid

def compute(item, parameters):
    if item == "endless":
        time.sleep(600)
    call = uuid.uuid4().hex
    with open(parameters["calls"], "a") as file:
        file.write(f"{item} {call}\\n")
    time.sleep(0.05)
    return {"call": call}
"""
SETTINGS = "compute: {items_per_task: 20, tries: 1, timeout_s: 60}\n"
VCPUS = 4
ATTEMPTS = 10
NEW_CALLS_BETWEEN_RECLAIMS = 25
"""Eight rounds or so, and as a round hits a task once, fewer than the attempts that it has."""


@dataclass(frozen=True)
class Run:
    """What became of the job: its results, the calls of compute, the reclaims, the seconds."""

    application: Application
    results: list[dict[str, Any]]
    calls: list[tuple[str, str]]
    reclaims: int
    seconds: float


def calls_in(path: Path) -> list[tuple[str, str]]:
    lines = path.read_text().splitlines() if path.exists() else []
    return [(line.split()[0], line.split()[1]) for line in lines if len(line.split()) == 2]


def reclaim_while_it_runs(
    application: Application, waiting: subprocess.Popen[str], calls: Path
) -> int:
    """Take all hosts away whenever there is some progress, until the job ends; count the tasks."""
    running = application.running
    seen = reclaims = 0
    deadline = time.monotonic() + TIMEOUT_S
    while waiting.poll() is None:
        assert time.monotonic() < deadline, "the job does not end"
        if len(calls_in(calls)) - seen >= NEW_CALLS_BETWEEN_RECLAIMS:
            reclaims += len(interrupt(running, 1.0))
            seen = len(calls_in(calls))
        time.sleep(0.1)
    return reclaims


@pytest.fixture(scope="module")
def spot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """The application, up, with a compute.py that notes its calls."""
    folder = tmp_path_factory.mktemp("reclaims")
    put_compute(folder, COMPUTE)
    application = Application.make(folder, SETTINGS)
    give_vcpus(application, VCPUS)
    try:
        application.local("up", "--yes")
        yield application
    finally:
        application.run("local", "stop")


@pytest.fixture(scope="module")
def unlucky(spot: Application) -> dict[str, Any]:
    """How a job's one task ended in Batch that lost its host at every attempt.

    Its item runs again by itself, on demand.
    """
    spot.submit("unlucky", "endless")
    by_command = ("local", "interrupt", "--rate", "1", "--json")
    told = eventually(
        lambda: json.loads(spot.run(*by_command).stdout), lambda found: found["interrupted"]
    )
    assert told == {"interrupted": 1}
    for _ in range(ATTEMPTS - 1):
        eventually(lambda: interrupt(spot.running, 1.0), bool)
    batch = spot.client("batch")
    eventually(
        lambda: batch.list_jobs(jobQueue="batchapp-on-demand", jobStatus="RUNNING")[
            "jobSummaryList"
        ],
        bool,
    )
    (lost,) = batch.list_jobs(jobQueue="batchapp-compute", jobStatus="FAILED")["jobSummaryList"]
    (detail,) = batch.describe_jobs(jobs=[lost["jobId"]])["jobs"]
    return dict(detail)


@pytest.fixture(scope="module")
def run(spot: Application, unlucky: dict[str, Any]) -> Run:
    """The job of 200 items, over; its tasks lost their hosts again and again."""
    return reclaimed_job(spot)


def reclaimed_job(application: Application) -> Run:
    calls = application.folder / "calls.txt"
    universe = application.folder / "universe.txt"
    universe.write_text("\n".join(ITEMS))
    submit = [*BATCHCTL, "--local", "submit", "--job-id", "spot", "--universe-file", str(universe)]
    submit += ["--param", f"calls={calls}", "--wait"]
    began = time.monotonic()
    with subprocess.Popen(
        submit,
        cwd=application.folder,
        env=application.environment,
        stderr=subprocess.PIPE,
        text=True,
    ) as waiting:
        reclaims = reclaim_while_it_runs(application, waiting, calls)
        told = waiting.stderr.read() if waiting.stderr else ""
    assert waiting.returncode == 0, told
    seconds = time.monotonic() - began
    rows = list(application.results("spot").values())
    return Run(application, rows, calls_in(calls), reclaims, seconds)


def test_a_task_whose_hosts_were_all_taken_away_is_done_again_on_demand(
    unlucky: dict[str, Any],
) -> None:
    end = end_of(unlucky, on_demand=False, has_runner=True)
    assert isinstance(end, Failure)
    assert (end.reason, end.attempts) == (Reason.SPOT_RECLAIM, ATTEMPTS)
    assert "Host EC2 (instance i-" in end.error


def test_all_200_items_have_a_result_though_their_hosts_were_taken_away(run: Run) -> None:
    sys.stdout.write(
        f"{len(run.results)} results of {len(ITEMS)} items, {run.reclaims} tasks reclaimed, "
        f"{len(run.calls)} calls of compute, {run.seconds:.0f} s\n"
    )
    assert run.reclaims >= 10
    assert sorted(row["item"] for row in run.results) == ITEMS
    assert {row["status"] for row in run.results} == {"SUCCEEDED"}


def test_every_item_was_computed_and_only_what_was_in_hand_more_than_once(run: Run) -> None:
    times = Counter(item for item, _ in run.calls)
    assert set(times) == set(ITEMS)
    again = len(run.calls) - len(ITEMS)
    sys.stdout.write(f"{again} calls for an item that had been in hand\n")
    assert again <= run.reclaims


def test_every_item_was_recorded_once_and_from_a_call_of_its_own(run: Run) -> None:
    calls = set(run.calls)
    assert {(row["item"], row["result"]["call"]) for row in run.results} <= calls
    recorded = Counter(line["item"] for line in log_lines(run.application) if line.get("recorded"))
    sys.stdout.write(f"{sum(recorded.values())} records by the log, none of an item twice\n")
    assert set(recorded.values()) == {1}


def test_the_reclaims_and_the_time_they_cost_are_told(run: Run) -> None:
    told = eventually(
        lambda: json.loads(run.application.local("show", "spot", "--json").stdout)["reclaims"],
        lambda found: found["count"] == run.reclaims,
    )
    sys.stdout.write(f"the record: {told}\n")
    assert 0 < told["seconds"] < VCPUS * run.seconds


def test_on_demand_nothing_is_taken_away_and_the_task_ends_by_its_time_limit(
    spot: Application, run: Run
) -> None:
    assert spot.ended("unlucky")["status"] == "FAILED"
    row = spot.results("unlucky")["endless"]
    assert (row["status"], row["reason"]) == ("FAILED", "TIMEOUT")
    assert row["attempts"] == 1
    assert json.loads(spot.local("show", "unlucky", "--json").stdout)["attempt"] == 2


def log_lines(application: Application) -> list[dict[str, Any]]:
    """The lines of JSON that the runners have logged."""
    pages = application.client("logs").get_paginator("filter_log_events")
    messages = [
        event["message"]
        for page in pages.paginate(logGroupName="/batchctl/batchapp/compute")
        for event in page["events"]
    ]
    return [json.loads(message) for message in messages if message.startswith("{")]
