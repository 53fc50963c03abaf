"""examples/shell: an image without Python, whose exit code alone says how an item went."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from application import Application
from local_cloud import free_ports
from podman_here import missing, temporary_podman, why_not

import batchctl

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.exhaustive,  # tests/local/test_cloud_containers.py has jobs in containers, too
    pytest.mark.skipif(bool(why_not()), reason=f"podman can't run: {why_not()}"),
]

EXAMPLE = Path(batchctl.__file__).parents[1] / "examples" / "shell"
PROGRAMS = ("sh", "curl", "jq", "factor", "wc", "sleep")
IMAGE = "localhost/shell-curl-jq:here"


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """The example as it is, on ports of its own and a base image of this machine's programs."""
    if missing(PROGRAMS):
        pytest.skip(f"not installed: {', '.join(missing(PROGRAMS))}")
    folder = tmp_path_factory.mktemp("example") / "shell"
    shutil.copytree(EXAMPLE, folder)
    application = Application(folder, *free_ports(2))
    adapt(folder / "config.yaml", application)
    with temporary_podman() as podman, pytest.MonkeyPatch.context() as patch:
        podman.import_programs(IMAGE, *PROGRAMS)
        for name, value in podman.environment(folder / "calls").items():
            patch.setenv(name, value)
        try:
            application.local("up", "--yes")
            yield application
        finally:
            application.run("local", "stop")


def adapt(config: Path, application: Application) -> None:
    changes = {
        "compute:\n": f"compute:\n  base_image: {IMAGE}\n  builder: podman\n",
        "local:\n": f"local:\n  gateway_port: {application.gateway_port}\n",
    }
    text = config.read_text()
    for before, after in changes.items():
        assert text.count(f"\n{before}") == 1
        text = text.replace(f"\n{before}", f"\n{after}")
    config.write_text(f"{text}\napi: {{port: {application.port}}}\n")


def test_a_shell_script_finds_its_items_and_its_exit_code_tells_success_from_failure(
    example: Application,
) -> None:
    universe = ["7", "8", "11"]
    example.local("submit", "--job-id", "primes", "--universe", ",".join(universe), "--wait",
                  check=False)  # fmt: skip
    shown = json.loads(example.local("show", "primes", "--json").stdout)
    assert shown["tasks"] == {
        "total": 3, "pending": 0, "running": 0, "succeeded": 2, "failed": 1
    }  # fmt: skip
    told = example.local("results", "primes", "--format", "json").stdout
    ends = {each["item"]: (each["status"], each.get("reason")) for each in json.loads(told)}
    assert ends == {
        "7": ("SUCCEEDED", None), "8": ("FAILED", "EXIT_CODE"), "11": ("SUCCEEDED", None)
    }  # fmt: skip
    events = example.client("logs").filter_log_events(logGroupName="/batchctl/primes/compute")
    assert {each["message"] for each in events["events"]} == {"7: 7", "8: 2 2 2", "11: 11"}


def test_one_item_alone_is_a_job_without_an_array(example: Application) -> None:
    example.local("submit", "--job-id", "one", "--universe", "13", "--wait", check=False)
    shown = json.loads(example.local("show", "one", "--json").stdout)
    assert shown["tasks"]["succeeded"] == 1
