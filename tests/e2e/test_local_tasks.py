"""Local tasks as on AWS: they run what `up` deployed, each by itself, and leave nothing behind."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from application import Application
from own_compute import eventually, put_compute

from batchctl.local.control.record import command_line

pytestmark = pytest.mark.e2e
COMPUTE = """
import os, subprocess, tempfile, time
from pathlib import Path

def compute(item, parameters):
    found = sorted(path.name for path in Path().iterdir() if path.suffix != ".py")
    Path(item).write_text("mine")
    Path(tempfile.gettempdir(), item).write_text("mine")
    if item.startswith("daemon"):
        left = subprocess.Popen(["sleep", "600"], start_new_session=True)
        Path(parameters["pids"], item).write_text(str(left.pid))
    if item == "daemon-endless":
        time.sleep(600)
    if item == "chatty":
        for number in range(25_000):
            print("line", number)
    return {"version": 1, "files": found, "folder": os.getcwd(), "temporary": tempfile.gettempdir()}
"""


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """The application, up, one item a task, with a compute.py that leaves things behind."""
    folder = tmp_path_factory.mktemp("tasks")
    put_compute(folder, COMPUTE)
    application = Application.make(folder, "compute: {items_per_task: 1}\n")
    (folder / "pids").mkdir()
    try:
        application.local("up", "--yes")
        yield application
    finally:
        application.run("local", "stop")


def submit(application: Application, job_id: str, *items: str) -> None:
    body = {
        "job_id": job_id,
        "universe": list(items),
        "parameters": {"pids": str(application.folder / "pids")},
    }
    assert application.request("PUT", "/v1/new-task", body).status == 202


def pid_of(application: Application, item: str) -> int:
    path = application.folder / "pids" / item
    eventually(path.exists, bool)
    return int(eventually(path.read_text, bool))


def test_each_task_has_a_folder_and_temporary_files_of_its_own(tasks: Application) -> None:
    submit(tasks, "own", "a", "b")
    tasks.ended("own")
    rows = tasks.results("own")
    results = [rows[item]["result"] for item in "ab"]
    assert not {"a", "b"} & {name for each in results for name in each["files"]}
    assert results[0]["folder"] != results[1]["folder"]
    for each in results:
        assert not Path(each["folder"]).exists()
        assert not Path(each["temporary"]).exists()
    assert [path.name for path in (tasks.folder / "compute").iterdir()] == ["compute.py"]


def test_what_a_task_has_started_ends_with_it_in_sessions_of_its_own(tasks: Application) -> None:
    started = time.monotonic()
    submit(tasks, "daemon", "daemon-a")
    assert tasks.ended("daemon")["status"] == "SUCCEEDED"
    assert time.monotonic() - started < 120
    assert command_line(pid_of(tasks, "daemon-a")) == ""


def test_cancel_ends_what_a_task_has_started(tasks: Application) -> None:
    submit(tasks, "cancelled", "daemon-endless")
    left = pid_of(tasks, "daemon-endless")
    assert command_line(left)
    tasks.local("cancel", "cancelled")
    tasks.ended("cancelled")
    eventually(lambda: command_line(left), lambda line: line == "")


def test_a_log_of_more_than_one_page_is_read_whole(tasks: Application) -> None:
    submit(tasks, "chatty", "chatty")
    tasks.ended("chatty")
    lines = tasks.local("logs", "chatty").stdout.splitlines()
    printed = [line for line in lines if "line" in line]
    assert len(printed) >= 25_000
    logs = tasks.client("logs")
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName="/batchctl/batchapp/compute", filterPattern="line"
    )
    read = [event["message"] for page in pages for event in page["events"]]
    assert len(read) >= 25_000


def test_an_edit_counts_from_the_next_up_on(tasks: Application) -> None:
    path = tasks.folder / "compute" / "compute.py"
    path.write_text(COMPUTE.replace('"version": 1', '"version": 2'))
    submit(tasks, "before", "a")
    tasks.ended("before")
    assert tasks.results("before")["a"]["result"]["version"] == 1
    tasks.local("up", "--yes")
    submit(tasks, "after", "a")
    tasks.ended("after")
    assert tasks.results("after")["a"]["result"]["version"] == 2


def test_nothing_of_the_tasks_is_left_when_the_cloud_has_stopped(tasks: Application) -> None:
    directory = tasks.folder / ".batchctl" / "local"
    submit(tasks, "stopped", "daemon-endless")
    (tasks.folder / "pids" / "daemon-endless").unlink(missing_ok=True)
    left = pid_of(tasks, "daemon-endless")
    temporary = Path(f"/proc/{left}/environ").read_bytes().split(b"TMPDIR=")[1].split(b"\0")[0]
    tasks.run("local", "stop")
    assert command_line(left) == ""
    assert not Path(os.fsdecode(temporary)).parent.exists()
    assert not {"tasks", "compute", "runner", "tmp"} & {path.name for path in directory.iterdir()}
