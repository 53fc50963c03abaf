"""Two applications with the same ports in their config.yaml, side by side on one machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from application import Application
from local_cloud import free_ports

pytestmark = pytest.mark.e2e


@pytest.fixture
def projects(tmp_path: Path) -> Iterator[tuple[Application, Application]]:
    """Two folders with config.yaml of the same ports, and nothing deployed."""
    gateway_port, port = free_ports(2)
    made = []
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "config.yaml").write_text(f"name: {name}\napi: {{port: {port}}}\n")
        made.append(Application(folder, gateway_port, port))
    yield made[0], made[1]
    for each in made:
        each.run("local", "stop")


def test_each_has_its_own_cloud_and_its_own_jobs(
    projects: tuple[Application, Application],
) -> None:
    first, second = projects
    first.local("up", "--yes")
    refused = second.local("submit", "--job-id", "a", "--universe", "AAPL", check=False)
    assert refused.returncode == 2
    assert "could not find application `second`" in refused.stderr
    built = second.local("up", "--yes")
    assert f"the API listens on port {second.running.load_balancer_port} here" in built.stderr
    assert first.running.load_balancer_port == first.port
    assert second.running.load_balancer_port != first.port
    second.local("submit", "--job-id", "a", "--universe", "AAPL", "--wait")
    assert '"jobs": []' in first.local("jobs", "--json").stdout
    assert '"job_id": "a"' in second.local("jobs", "--json").stdout


@pytest.mark.exhaustive
def test_a_second_stack_in_one_cloud_is_refused_the_taken_door(
    projects: tuple[Application, Application],
) -> None:
    first, _ = projects
    first.local("up", "--yes")
    (first.folder / "config.yaml").write_text(f"name: other\napi: {{port: {first.port}}}\n")
    refused = first.local("up", "--yes", check=False)
    assert refused.returncode == 2
    assert "could not build the front door of `other`" in refused.stderr
    assert "that of `first`" in refused.stderr
