"""What a new user meets first: an empty folder, a taken port, no MiniStack, another cloud."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from application import Application
from local_cloud import free_ports

pytestmark = pytest.mark.e2e


def test_init_in_an_empty_folder_writes_what_up_needs_and_never_overwrites(
    tmp_path: Path,
) -> None:
    empty = Application(tmp_path, 0, 0)
    missing = empty.run("plan", check=False)
    assert missing.returncode == 2
    assert "batchctl init" in missing.stderr
    empty.run("init")
    assert (tmp_path / "config.yaml").exists()
    assert (tmp_path / "compute" / "compute.py").exists()
    again = empty.run("init", check=False)
    assert again.returncode == 2
    assert "already exist" in again.stderr


@pytest.mark.parametrize(("which", "setting"), [(0, "local.gateway_port"), (1, "local.api_port")])
def test_a_port_that_is_taken_is_named_with_its_setting(
    tmp_path: Path, which: int, setting: str
) -> None:
    application = Application.make(tmp_path)
    named = f"{{gateway_port: {application.gateway_port}, api_port: {application.port}}}"
    (tmp_path / "config.yaml").write_text(f"local: {named}\n")
    with socket.socket() as taken:
        port = (application.gateway_port, application.port)[which]
        taken.bind(("127.0.0.1", port))
        taken.listen()
        refused = application.local("up", "--yes", check=False)
    assert refused.returncode == 1
    assert str(port) in refused.stderr
    assert setting in refused.stderr
    assert "Traceback" not in refused.stderr


def test_without_ministack_and_a_network_the_error_says_how_to_install_it(tmp_path: Path) -> None:
    application = Application.make(tmp_path)
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("botocore==0.0.1\nministack==0.0.1\n")
    script = (
        "from pathlib import Path\n"
        "from batchctl.local.environment import choice\n"
        f"choice.REQUIREMENTS = Path({str(requirements)!r})\n"
        "from batchctl.cli import main; main(['--local', 'up', '--yes'])"
    )
    offline = {"PIP_NO_INDEX": "1", "UV_OFFLINE": "1", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=application.environment | offline,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "could not install the local cloud" in done.stderr
    assert f"{sys.executable} -m pip install --requirement {requirements}" in done.stderr
    assert "check the network" in done.stderr
    assert "Traceback" not in done.stderr


def test_another_emulator_is_reached_by_the_endpoint_that_boto3_knows(
    application: Application, tmp_path: Path
) -> None:
    port = free_ports(1)[0]
    text = f"name: elsewhere\napi: {{port: {port}}}\ncompute: {{image: 'registry.example/c:1'}}\n"
    (tmp_path / "config.yaml").write_text(text)
    key_id, secret = application.running.root
    environment = {
        **application.environment,
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{application.gateway_port}",
        "AWS_ACCESS_KEY_ID": key_id,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_REGION": "us-east-1",
    }
    command = [sys.executable, "-c", "from batchctl.cli import main; main()"]
    for arguments in (["up", "--yes"], ["plan", "--exit-code"], ["down", "--yes"]):
        done = subprocess.run(
            [*command, *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
