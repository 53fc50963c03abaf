"""Every way in which a task can end is told, item by item; what failed is run again and mended."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from application import Application
from own_compute import put_compute

from batchctl.local import process
from batchctl.local.interruption import interrupt

pytestmark = pytest.mark.e2e

COMPUTE = """
import os, signal, time

def compute(item, parameters):
    if item == "fine" or os.path.exists("mended"):
        return {"item": item}
    if item == "raises":
        raise ValueError("no price")
    if item == "exits":
        os._exit(3)
    if item == "greedy":
        held = bytearray(600 << 20)
    if item == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(600)
"""
SETTINGS = "compute: {retries: 1, memory_mib: 256, timeout_s: 60, attempts: 2}\n"
WAYS = {
    "fine": ("SUCCEEDED", None, None),
    "raises": ("FAILED", "EXCEPTION", None),
    "exits": ("FAILED", "EXIT_CODE", 3),
    "greedy": ("FAILED", "OUT_OF_MEMORY", 137),
    "killed": ("FAILED", "OUT_OF_MEMORY", 137),
    "endless": ("FAILED", "TIMEOUT", 143),
}
ENDED = ("SUCCEEDED", "FAILED", "CANCELLED")
TIMEOUT_S = 180.0


@pytest.fixture(scope="module")
def misbehaving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """The application, up, with a compute.py that misbehaves as its item says."""
    folder = tmp_path_factory.mktemp("ends")
    put_compute(folder, COMPUTE)
    application = Application.make(folder, SETTINGS)
    settings = folder / "config.yaml"
    settings.write_text(settings.read_text().replace("local: {", "local: {vcpus: 8, "))
    try:
        application.local("up", "--yes")
        yield application
    finally:
        application.run("local", "stop")


def submit(application: Application, job_id: str, *items: str) -> None:
    body = {"job_id": job_id, "universe": list(items)}
    assert application.request("PUT", "/v1/new-task", body).status == 202


def job(application: Application, job_id: str) -> Any:
    return application.request("GET", f"/v1/tasks/{job_id}").body


def eventually(look: Callable[[], Any], is_good: Callable[[Any], object]) -> Any:
    deadline = time.monotonic() + TIMEOUT_S
    while not is_good(found := look()):
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
    return found


def ended(application: Application, job_id: str) -> Any:
    """The job once it has ended."""
    return eventually(lambda: job(application, job_id), lambda found: found["status"] in ENDED)


def results(application: Application, job_id: str) -> dict[str, dict[str, Any]]:
    rows = json.loads(application.local("results", job_id, "--format", "json").stdout)
    return {row["item"]: row for row in rows}


def take_the_host_away(application: Application) -> None:
    """Reclaim the one task that runs, once it does."""
    running = process.status(application.folder / ".batchctl" / "local")
    assert running is not None
    eventually(lambda: interrupt(running, 1.0), bool)


@contextmanager
def image(application: Application, name: str) -> Iterator[None]:
    """Let new tasks of the block run another image."""
    batch = application.client("batch")
    found = batch.describe_job_definitions(jobDefinitionName="batchapp-compute", status="ACTIVE")[
        "jobDefinitions"
    ]
    (latest,) = found
    names = ("jobDefinitionName", "type", "retryStrategy", "timeout")
    kept = {each: latest[each] for each in names}
    container = latest["containerProperties"] | {"image": name}
    made = batch.register_job_definition(**kept, containerProperties=container)
    try:
        yield
    finally:
        batch.deregister_job_definition(jobDefinition=made["jobDefinitionArn"])


def test_a_task_whose_hosts_were_all_taken_away_says_so(misbehaving: Application) -> None:
    submit(misbehaving, "unlucky", "endless")
    take_the_host_away(misbehaving)
    take_the_host_away(misbehaving)
    assert ended(misbehaving, "unlucky")["status"] == "FAILED"
    row = results(misbehaving, "unlucky")["endless"]
    assert (row["status"], row["reason"], row["attempts"]) == ("FAILED", "SPOT_RECLAIM", 2)
    assert "Host EC2 (instance i-" in row["error"]
    shown = json.loads(misbehaving.local("show", "unlucky", "--json").stdout)
    assert shown["reclaims"]["count"] == 2
    assert shown["reclaims"]["seconds"] > 0


def test_an_image_that_cannot_be_pulled_is_the_reason(misbehaving: Application) -> None:
    with image(misbehaving, "000000000000.dkr.ecr.us-east-1.amazonaws.com/none:1"):
        submit(misbehaving, "no-image", "fine")
        assert ended(misbehaving, "no-image")["status"] == "FAILED"
    row = results(misbehaving, "no-image")["fine"]
    assert (row["status"], row["reason"]) == ("FAILED", "IMAGE")
    assert "CannotPullContainerError" in row["error"]


def test_every_end_of_a_task_has_its_reason(misbehaving: Application) -> None:
    submit(misbehaving, "ways", *WAYS)
    found = ended(misbehaving, "ways")
    assert found["status"] == "FAILED"
    assert found["tasks"] == {
        "total": 6, "pending": 0, "running": 0, "succeeded": 1, "failed": 5
    }  # fmt: skip
    rows = results(misbehaving, "ways")
    told = {
        item: (row["status"], row.get("reason"), row.get("exit_code")) for item, row in rows.items()
    }
    assert told == WAYS
    assert rows["raises"]["error"].startswith("ValueError: no price (compute.py, line ")


def test_an_array_that_somebody_terminates_ends_the_job(misbehaving: Application) -> None:
    submit(misbehaving, "stopped", "endless", "fine")
    eventually(lambda: job(misbehaving, "stopped"), lambda found: found["tasks"]["succeeded"] == 1)
    batch = misbehaving.client("batch")
    (array,) = batch.list_jobs(jobQueue="batchapp-compute", jobStatus="PENDING")["jobSummaryList"]
    batch.terminate_job(jobId=array["jobId"], reason="by hand")
    assert ended(misbehaving, "stopped")["status"] == "FAILED"
    rows = results(misbehaving, "stopped")
    assert rows["fine"]["status"] == "SUCCEEDED"
    assert (rows["endless"]["status"], rows["endless"]["reason"]) == ("FAILED", "TERMINATED")


def test_without_events_readers_still_learn_the_end_and_the_reasons(
    misbehaving: Application,
) -> None:
    events = misbehaving.client("events")
    (rule,) = events.list_rules(NamePrefix="batchapp")["Rules"]
    events.disable_rule(Name=rule["Name"])
    try:
        submit(misbehaving, "unheard", "exits", "fine")
        assert ended(misbehaving, "unheard")["status"] == "FAILED"
    finally:
        events.enable_rule(Name=rule["Name"])
    row = results(misbehaving, "unheard")["exits"]
    assert (row["status"], row["reason"], row["exit_code"]) == ("FAILED", "EXIT_CODE", 3)


def test_a_cancelled_job_stays_cancelled_and_its_tasks_are_stopped(
    misbehaving: Application,
) -> None:
    submit(misbehaving, "long", "endless", "fine")
    eventually(lambda: job(misbehaving, "long"), lambda found: found["tasks"]["succeeded"] == 1)
    answer = json.loads(misbehaving.local("cancel", "long", "--json").stdout)
    assert answer["status"] == "CANCELLED"
    assert job(misbehaving, "long")["status"] == "CANCELLED"
    batch = misbehaving.client("batch")

    def unfinished() -> list[str]:
        return [
            each["jobId"]
            for status in ("PENDING", "RUNNABLE", "STARTING", "RUNNING")
            for each in batch.list_jobs(jobQueue="batchapp-compute", jobStatus=status)[
                "jobSummaryList"
            ]
        ]

    assert eventually(unfinished, lambda found: not found) == []
    assert results(misbehaving, "long")["fine"]["status"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("job_id", "options", "items"),
    [("ways", (), 5), ("unlucky", ("--on-demand",), 1), ("long", ("--memory", "512"), 1)],
)
def test_what_failed_is_run_again_as_another_attempt_and_succeeds(
    misbehaving: Application, job_id: str, options: tuple[str, ...], items: int
) -> None:
    (misbehaving.folder / "compute" / "mended").touch()
    before = results(misbehaving, job_id)
    answer = json.loads(misbehaving.local("retry", job_id, *options, "--json").stdout)
    assert (answer["attempt"], answer["items"]) == (2, items)
    assert ended(misbehaving, job_id)["status"] == "SUCCEEDED"
    after = results(misbehaving, job_id)
    assert {row["status"] for row in after.values()} == {"SUCCEEDED"}
    assert after.get("fine") == before.get("fine")
    if "--on-demand" in options:
        queues = misbehaving.client("batch").list_jobs(
            jobQueue="batchapp-on-demand", jobStatus="SUCCEEDED"
        )
        assert len(queues["jobSummaryList"]) == 1


def test_zz_a_queue_that_somebody_deletes_ends_the_job(misbehaving: Application) -> None:
    (misbehaving.folder / "compute" / "mended").unlink(missing_ok=True)
    submit(misbehaving, "homeless", "endless", "fine")
    eventually(lambda: job(misbehaving, "homeless"), lambda found: found["tasks"]["succeeded"] == 1)
    batch = misbehaving.client("batch")
    batch.update_job_queue(jobQueue="batchapp-compute", state="DISABLED")
    look = lambda: batch.describe_job_queues(jobQueues=["batchapp-compute"])["jobQueues"][0]  # noqa: E731 - one line
    eventually(look, lambda queue: queue["status"] == "VALID" and queue["state"] == "DISABLED")
    batch.delete_job_queue(jobQueue="batchapp-compute")
    assert ended(misbehaving, "homeless")["status"] == "FAILED"
    rows = results(misbehaving, "homeless")
    assert rows["fine"]["status"] == "SUCCEEDED"
    assert (rows["endless"]["status"], rows["endless"]["reason"]) == ("FAILED", "TERMINATED")
