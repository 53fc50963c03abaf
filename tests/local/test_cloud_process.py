"""Starting and stopping the local cloud."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import pytest
from local_cloud import Cloud, build, eventually, function, invoke, new_settings
from slices import one_in

from batchctl.errors import BatchctlError
from batchctl.local.control import process
from batchctl.local.control.process import Settings
from batchctl.local.control.record import command_line

pytestmark = pytest.mark.e2e


def test_start_twice_is_one_cloud_and_other_settings_are_refused(tmp_path: Path) -> None:
    settings = new_settings(tmp_path)
    first = process.start(settings)
    try:
        assert process.start(settings) == first
        assert process.status(settings.directory) == first
        other = Settings(**(vars(settings) | {"region": "eu-west-1", "engine": "podman"}))
        with pytest.raises(BatchctlError, match="region is us-east-1, wanted eu-west-1") as caught:
            process.start(other)
        assert "engine is none, wanted podman" in str(caught.value)
        assert caught.value.hint is not None
        assert "batchctl local stop" in caught.value.hint
    finally:
        assert process.stop(settings.directory) is True
    assert process.status(settings.directory) is None
    assert process.stop(settings.directory) is False


def test_a_taken_port_is_a_clear_error_and_nothing_is_left(tmp_path: Path) -> None:
    settings = new_settings(tmp_path)
    with (
        socket.create_server(("127.0.0.1", settings.load_balancer_port)),
        pytest.raises(BatchctlError, match=f"port {settings.load_balancer_port}") as caught,
    ):
        process.start(settings)
    assert "local.api_port" in str(caught.value.hint)
    assert process.status(settings.directory) is None


@pytest.mark.parametrize("how", one_in(2, ["kill", "stop"]))
def test_nothing_survives_the_cloud(tmp_path: Path, how: str) -> None:
    settings = new_settings(tmp_path)
    running = process.start(settings)
    cloud = Cloud(running)
    build(cloud)
    function(cloud)
    invoke(cloud, "echo")
    # A job that ignores SIGTERM, and has a child.
    job_id = cloud.submit(["sh", "-c", "trap '' TERM; sleep 600 & echo $! $$; wait; sleep 600"])
    eventually(lambda: cloud.wait(job_id, "RUNNING") and cloud.log(job_id), bool)
    processes = [int(number) for number in cloud.log(job_id)[0].split()]
    processes += [running.pid, running.reaper_pid, *workers(running.pid)]
    assert len(processes) >= 5

    if how == "stop":
        process.stop(settings.directory)
    else:
        os.kill(running.pid, signal.SIGKILL)

    def survivors() -> list[str]:
        process.status(settings.directory)  # collects the cloud, a child of this very process
        return [line for line in map(command_line, processes) if line]

    assert eventually(survivors, lambda lines: not lines) == []


def workers(parent: int) -> list[int]:
    """Return the cloud's children that run functions."""
    found = Path(f"/proc/{parent}/task").glob("*/children")
    children = [int(pid) for path in found for pid in path.read_text().split()]
    return [pid for pid in children if "reaper" not in command_line(pid)]
