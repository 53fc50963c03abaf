"""A job whose machines are taken away again and again: every item computed, none recorded twice.

compute.py notes every call in a file before it works and gives the call's own number as the result,
so that the table can be compared with what was really computed.
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
from own_compute import put_compute

from batchctl.local import process
from batchctl.local.interruption import interrupt

pytestmark = pytest.mark.e2e

ITEMS = [f"S{number:03d}" for number in range(200)]
COMPUTE = """
import os, time, uuid

def compute(item, parameters):
    call = uuid.uuid4().hex
    with open(parameters["calls"], "a") as file:
        file.write(f"{item} {call}\\n")
    time.sleep(0.05)
    return {"call": call}
"""
SETTINGS = """
compute: {items_per_task: 20, retries: 1, timeout_s: 600}
"""
NEW_CALLS_BETWEEN_RECLAIMS = 20
TIMEOUT_S = 240.0


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
    running = process.status(application.folder / ".batchctl" / "local")
    assert running is not None
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
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """The job, over; its tasks lost their hosts whenever 20 more items had been begun."""
    folder = tmp_path_factory.mktemp("reclaims")
    put_compute(folder, COMPUTE)
    application = Application.make(folder, SETTINGS)
    try:
        application.local("up", "--yes")
        yield reclaimed_job(application)
    finally:
        application.run("local", "stop")


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
    rows = json.loads(application.local("results", "spot", "--format", "json").stdout)
    return Run(application, rows, calls_in(calls), reclaims, seconds)


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
    told: dict[str, Any] = {}
    deadline = time.monotonic() + 30
    while told.get("count") != run.reclaims and time.monotonic() < deadline:
        shown = run.application.local("show", "spot", "--json").stdout
        told = json.loads(shown).get("reclaims") or {}
    sys.stdout.write(f"the record: {told}\n")
    assert told["count"] == run.reclaims
    assert 0 < told["seconds"] < 2 * run.seconds


def log_lines(application: Application) -> list[dict[str, Any]]:
    """The lines of JSON that the runners have logged."""
    pages = application.client("logs").get_paginator("filter_log_events")
    messages = [
        event["message"]
        for page in pages.paginate(logGroupName="/batchctl/batchapp/compute")
        for event in page["events"]
    ]
    return [json.loads(message) for message in messages if message.startswith("{")]
