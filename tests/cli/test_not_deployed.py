"""What isn't deployed is said at once by every job command, and no other cloud is used instead."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

from batchctl.application.local_doors import local_ports
from batchctl.application.target import Target
from batchctl.config import Config
from batchctl.config.sections import Api, Local
from batchctl.engine.state import State, StateFile, StateIdentity, StateRecord
from batchctl.local.control import ports

Batchctl = Callable[..., Result]

COMMANDS = (
    ("submit", "--job-id", "demo-1", "--universe", "AAPL"),
    ("jobs",),
    ("show", "demo-1"),
    ("watch", "demo-1"),
    ("results", "demo-1"),
    ("logs", "demo-1"),
    ("why", "demo-1"),
    ("cancel", "demo-1"),
    ("retry", "demo-1"),
    ("dead-letters",),
    ("curl", "/v1/tasks"),
)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize("options", [(), ("--local",)], ids=["aws", "local"])
@pytest.mark.usefixtures("no_cloud_starts", "account")
def test_nothing_deployed_is_one_error_with_one_exit_code(
    batchctl: Batchctl, command: tuple[str, ...], options: tuple[str, ...]
) -> None:
    refused = batchctl(*options, *command)
    assert refused.exit_code == 2
    assert refused.stdout == ""
    assert "could not find application `batchapp`: it is not deployed" in refused.stderr
    assert f"`{' '.join(('batchctl', *options))} up`" in refused.stderr


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.usefixtures("no_cloud_starts")
def test_the_cloud_of_another_folder_is_named_and_not_used(
    batchctl: Batchctl, command: tuple[str, ...], folder: Path, other_cloud: int
) -> None:
    (folder / "config.yaml").write_text(f"local: {{api_port: {other_cloud}}}\n")
    path = folder / ".batchctl" / "local" / "batchapp.state.json"
    state = StateFile(path, State(StateIdentity("batchapp", "000000000000", "us-east-1")))
    state.put(StateRecord("load_balancer", "api", outputs={"id": "api", "dns_name": "x"}))
    refused = batchctl("--local", *command)
    assert refused.exit_code == 2
    assert f"could not find the local cloud of `{folder}`: it is not running" in refused.stderr
    assert f"port {other_cloud} belongs to the local cloud of `/home/other`" in refused.stderr


def test_a_taken_port_makes_way_for_the_next_and_is_kept(folder: Path, other_cloud: int) -> None:
    target, config = Target(local=True), Config(api=Api(port=other_cloud))
    got = local_ports(target, config)
    assert got.load_balancer > other_cloud
    target.local_folder.mkdir(parents=True, mode=0o700)
    kept = ports.Ports(got.gateway, got.load_balancer + 100)
    ports.remember(folder / target.local_folder, kept)
    assert local_ports(target, config).load_balancer == kept.load_balancer


def test_a_port_that_is_named_is_taken_as_it_stands(folder: Path, other_cloud: int) -> None:
    assert folder == Path.cwd()
    local = Local(api_port=other_cloud, gateway_port=other_cloud + 1)
    got = local_ports(Target(local=True), Config(local=local))
    assert got == ports.Ports(other_cloud + 1, other_cloud)


@pytest.fixture
def no_cloud_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail the test when a local cloud is started."""

    def started(*_arguments: object) -> None:
        pytest.fail("a local cloud was started")

    monkeypatch.setattr("batchctl.application.local_cloud.start", started)


LISTEN = """
import socket, sys, time
with socket.socket() as door:
    door.bind(("127.0.0.1", 0))
    door.listen()
    print(door.getsockname()[1], flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other_cloud() -> Iterator[int]:
    """A process that listens and has the command line of another folder's local cloud."""
    if not Path("/proc/self").exists():
        pytest.skip("only Linux says which process listens")
    settings = '{"directory": "/home/other/.batchctl/local"}'
    command = [sys.executable, "-c", LISTEN, "batchctl.local.cloud", settings]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        port = int(process.stdout.readline())
        yield port
        assert process.stdin
        process.stdin.close()
