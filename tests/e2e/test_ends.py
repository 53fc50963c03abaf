"""Every way in which a task can end is told, item by item; what failed is run again and mended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from application import Application
from own_compute import eventually, give_vcpus, put_compute

pytestmark = [pytest.mark.e2e, pytest.mark.exhaustive]

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
SETTINGS = "compute: {tries: 1, memory_mib: 256}\n"
WAYS = {
    "fine": ("SUCCEEDED", None, None),
    "raises": ("FAILED", "EXCEPTION", None),
    "exits": ("FAILED", "EXIT_CODE", 3),
    "greedy": ("FAILED", "OUT_OF_MEMORY", 137),
    "killed": ("FAILED", "EXIT_CODE", 137),
}


@pytest.fixture(scope="module")
def misbehaving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """The application, up, with a compute.py that misbehaves as its item says."""
    folder = tmp_path_factory.mktemp("ends")
    put_compute(folder, COMPUTE)
    application = Application.make(folder, SETTINGS)
    give_vcpus(application, 8)
    try:
        application.local("up", "--yes")
        yield application
    finally:
        application.run("local", "stop")


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


def test_an_image_that_cannot_be_pulled_is_the_reason(misbehaving: Application) -> None:
    with image(misbehaving, "000000000000.dkr.ecr.us-east-1.amazonaws.com/none:1"):
        misbehaving.submit("no-image", "fine")
        assert misbehaving.ended("no-image")["status"] == "FAILED"
    row = misbehaving.results("no-image")["fine"]
    assert (row["status"], row["reason"]) == ("FAILED", "IMAGE")
    assert "CannotPullContainerError" in row["error"]


def test_every_end_of_a_task_has_its_reason(misbehaving: Application) -> None:
    misbehaving.submit("ways", *WAYS)
    found = misbehaving.ended("ways")
    assert found["status"] == "FAILED"
    assert found["tasks"] == {
        "total": 5, "pending": 0, "running": 0, "succeeded": 1, "failed": 4
    }  # fmt: skip
    rows = misbehaving.results("ways")
    told = {
        item: (row["status"], row.get("reason"), row.get("exit_code")) for item, row in rows.items()
    }
    assert told == WAYS
    assert rows["raises"]["error"].startswith("ValueError: no price (compute.py, line ")


def test_an_array_that_somebody_terminates_ends_the_job(misbehaving: Application) -> None:
    misbehaving.submit("stopped", "endless", "fine")
    eventually(lambda: misbehaving.job("stopped"), lambda found: found["tasks"]["succeeded"] == 1)
    batch = misbehaving.client("batch")
    (array,) = batch.list_jobs(jobQueue="batchapp-compute", jobStatus="PENDING")["jobSummaryList"]
    batch.terminate_job(jobId=array["jobId"], reason="by hand")
    assert misbehaving.ended("stopped")["status"] == "FAILED"
    rows = misbehaving.results("stopped")
    assert rows["fine"]["status"] == "SUCCEEDED"
    assert (rows["endless"]["status"], rows["endless"]["reason"]) == ("FAILED", "TERMINATED")


def test_without_events_readers_still_learn_the_end_and_the_reasons(
    misbehaving: Application,
) -> None:
    events = misbehaving.client("events")
    (rule,) = events.list_rules(NamePrefix="batchapp")["Rules"]
    events.disable_rule(Name=rule["Name"])
    try:
        misbehaving.submit("unheard", "exits", "fine")
        assert misbehaving.ended("unheard")["status"] == "FAILED"
    finally:
        events.enable_rule(Name=rule["Name"])
    row = misbehaving.results("unheard")["exits"]
    assert (row["status"], row["reason"], row["exit_code"]) == ("FAILED", "EXIT_CODE", 3)


def test_a_cancelled_job_stays_cancelled_and_its_tasks_are_stopped(
    misbehaving: Application,
) -> None:
    misbehaving.submit("long", "endless", "fine")
    eventually(lambda: misbehaving.job("long"), lambda found: found["tasks"]["succeeded"] == 1)
    answer = json.loads(misbehaving.local("cancel", "long", "--json").stdout)
    assert answer["status"] == "CANCELLED"
    assert misbehaving.job("long")["status"] == "CANCELLED"
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
    assert misbehaving.results("long")["fine"]["status"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("job_id", "options", "items"),
    [("ways", (), 4), ("stopped", ("--on-demand",), 1), ("long", ("--memory", "512"), 1)],
)
def test_what_failed_is_run_again_as_another_attempt_and_succeeds(
    misbehaving: Application, job_id: str, options: tuple[str, ...], items: int
) -> None:
    (misbehaving.folder / "compute" / "mended").touch()
    misbehaving.local("up", "--yes")
    before = misbehaving.results(job_id)
    answer = json.loads(misbehaving.local("retry", job_id, *options, "--json").stdout)
    assert (answer["attempt"], answer["retried_items"]) == (2, items)
    assert misbehaving.ended(job_id)["status"] == "SUCCEEDED"
    after = misbehaving.results(job_id)
    assert {row["status"] for row in after.values()} == {"SUCCEEDED"}
    assert after.get("fine") == before.get("fine")
    if "--on-demand" in options:
        queues = misbehaving.client("batch").list_jobs(
            jobQueue="batchapp-on-demand", jobStatus="SUCCEEDED"
        )
        assert len(queues["jobSummaryList"]) == 1


def test_zz_a_queue_that_somebody_deletes_ends_the_job(misbehaving: Application) -> None:
    (misbehaving.folder / "compute" / "mended").unlink(missing_ok=True)
    misbehaving.local("up", "--yes")
    misbehaving.submit("homeless", "endless", "fine")
    eventually(lambda: misbehaving.job("homeless"), lambda found: found["tasks"]["succeeded"] == 1)
    batch = misbehaving.client("batch")
    batch.update_job_queue(jobQueue="batchapp-compute", state="DISABLED")
    look = lambda: batch.describe_job_queues(jobQueues=["batchapp-compute"])["jobQueues"][0]  # noqa: E731 - one line
    eventually(look, lambda queue: queue["status"] == "VALID" and queue["state"] == "DISABLED")
    batch.delete_job_queue(jobQueue="batchapp-compute")
    assert misbehaving.ended("homeless")["status"] == "FAILED"
    rows = misbehaving.results("homeless")
    assert rows["fine"]["status"] == "SUCCEEDED"
    assert (rows["endless"]["status"], rows["endless"]["reason"]) == ("FAILED", "TERMINATED")
