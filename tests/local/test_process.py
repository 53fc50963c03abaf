"""Starting the local cloud where nothing is started: what is found out before."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest
from botocore.exceptions import EndpointConnectionError
from local_cloud import free_ports

from batchctl.errors import BatchctlError
from batchctl.local.control import process, record, root_secret
from batchctl.local.control.process import Settings
from batchctl.local.control.record import CloudRecord
from batchctl.local.emulator.default_vpc import open_default_vpc

IMPORTS = """
import sys
import batchctl.local.control.process
print([name for name in ("boto3", "botocore", "ministack", "pydantic") if name in sys.modules])
"""


def running(directory: Path, pid: int) -> CloudRecord:
    return CloudRecord(pid, pid, 1.0, str(directory), 4566, 9999, str(directory), "us-east-1", 2)


def test_importing_it_imports_neither_aws_nor_the_emulator() -> None:
    found = subprocess.run(
        [sys.executable, "-c", IMPORTS], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"


def test_where_the_emulator_cannot_be_installed_nothing_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_report: object) -> NoReturn:
        raise BatchctlError("could not install the local cloud: no network")

    monkeypatch.setattr(process, "cloud_python", refuse)
    gateway, balancer = free_ports(2)
    directory = tmp_path / "cloud"
    with pytest.raises(BatchctlError, match="could not install the local cloud"):
        process.start(Settings(directory, gateway, balancer, tmp_path))
    # The ports that were chosen are remembered.
    assert {each.name for each in directory.iterdir()} == {"cloud.lock", "ports.json"}


@pytest.mark.parametrize("link", ["project/.batchctl", "project/.batchctl/local"])
def test_nothing_is_started_or_stopped_through_a_symbolic_link(tmp_path: Path, link: str) -> None:
    (tmp_path / "mine" / "local").mkdir(parents=True)
    (tmp_path / link).parent.mkdir(parents=True)
    (tmp_path / link).symlink_to(tmp_path / "mine")
    directory = tmp_path / "project" / ".batchctl" / "local"
    with pytest.raises(BatchctlError, match=f"could not use `.*{link}`.*symbolic link") as caught:
        process.start(Settings(directory, compute_directory=tmp_path))
    assert "remove the link" in str(caught.value.hint)
    assert process.stop(directory) is False
    assert list((tmp_path / "mine").iterdir()) == [tmp_path / "mine" / "local"]
    assert list((tmp_path / "mine" / "local").iterdir()) == []


def test_nothing_runs_in_an_empty_or_missing_directory(tmp_path: Path) -> None:
    assert process.status(tmp_path) is None
    assert process.stop(tmp_path) is False
    assert process.stop(tmp_path / "none") is False
    assert not (tmp_path / "none").exists()


def test_a_process_id_that_belongs_to_another_program_is_not_taken_for_the_cloud(
    tmp_path: Path,
) -> None:
    sleeper = subprocess.Popen(["sleep", "60"])
    try:
        record.write(running(tmp_path, sleeper.pid))
        assert process.status(tmp_path) is None
        assert process.stop(tmp_path) is False
        assert sleeper.poll() is None
    finally:
        sleeper.kill()
        sleeper.wait()


def test_a_process_of_another_user_is_not_taken_for_the_cloud_whatever_it_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"batchctl.local.cloud {json.dumps(str(tmp_path))}"
    called_so = subprocess.Popen([sys.executable, "-c", "input()", name], stdin=subprocess.PIPE)
    try:
        record.write(running(tmp_path, called_so.pid))
        assert process.status(tmp_path) is not None
        another = os.geteuid() + 1
        monkeypatch.setattr("os.geteuid", lambda: another)
        assert process.status(tmp_path) is None
        assert process.stop(tmp_path) is False
        assert called_so.poll() is None
    finally:
        called_so.kill()
        called_so.communicate()


def test_no_lock_is_made_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "local").mkdir()
    (tmp_path / "local" / "cloud.lock").symlink_to(tmp_path / "precious")
    with pytest.raises(
        BatchctlError, match=r"could not use `.*cloud\.lock`: it is a symbolic link"
    ):
        process.stop(tmp_path / "local")
    assert (tmp_path / "precious").read_text() == "mine"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}'])
def test_a_damaged_record_counts_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "cloud.json").write_text(content)
    assert process.status(tmp_path) is None


def test_a_record_reads_back_as_it_was_written(tmp_path: Path) -> None:
    record.write(running(tmp_path, 7))
    assert record.read(tmp_path) == running(tmp_path, 7)
    assert json.loads((tmp_path / "cloud.json").read_text())["region"] == "us-east-1"


def test_preparing_the_vpc_gives_up_when_nothing_answers(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    root_secret.create(tmp_path)
    cloud = replace(running(tmp_path, 7), gateway_port=port)
    with pytest.raises(EndpointConnectionError):
        open_default_vpc(cloud, timeout_s=0.1)


def test_the_urls_are_on_the_loopback_address(tmp_path: Path) -> None:
    cloud = running(tmp_path, 7)
    assert cloud.endpoint_url == "http://127.0.0.1:4566"
    assert cloud.load_balancer_url == "http://127.0.0.1:9999"


def test_only_a_cloud_with_an_engine_is_told_where_the_users_engine_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///run/user/1000/docker.sock")
    assert "DOCKER_HOST" not in process._environment(has_engine=False, is_own=False)
    environment = process._environment(has_engine=True, is_own=False)
    assert environment["DOCKER_HOST"].endswith("docker.sock")


def test_nothing_leads_a_cloud_in_its_own_environment_to_the_users_packages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
    for name in names:
        monkeypatch.setenv(name, "/home/user/packages")
    assert names <= process._environment(has_engine=False, is_own=False).keys()
    assert not names & process._environment(has_engine=False, is_own=True).keys()
