"""Which container engine the local cloud is to use."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from batchctl.application.local_cloud import engine_of
from batchctl.config import Config
from batchctl.errors import BatchctlError, UsageError
from batchctl.local.control.record import CloudRecord

CONTAINERS = {"local": {"executor": "container"}, "compute": {"builder": "podman"}}


@pytest.fixture
def podman(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A podman that agrees with everything, alone on PATH."""
    program = tmp_path / "podman"
    program.write_text("#!/bin/sh\necho podman version 5\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("BATCHCTL_BUILDER_OPTIONS", "--root '/my images'")
    monkeypatch.setattr(sys, "platform", "linux")
    return program


def test_processes_need_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert engine_of(Config(), None) == ""


def test_containers_are_run_by_the_builder_with_the_options_of_this_machine(podman: Path) -> None:
    assert engine_of(Config.model_validate(CONTAINERS), None) == "podman --root '/my images'"


def test_a_cloud_that_runs_keeps_its_engine(podman: Path) -> None:
    running = CloudRecord(
        1, 1, 1.0, "/", 1, 2, "/", "us-east-1", 1, engine="docker --host unix:///d"
    )
    config = Config.model_validate(CONTAINERS)
    assert engine_of(config, running) == "docker --host unix:///d"
    assert engine_of(Config(), running) == ""


def test_without_an_engine_there_are_no_containers(podman: Path) -> None:
    podman.unlink()
    with pytest.raises(BatchctlError, match="`podman` is not on PATH"):
        engine_of(Config.model_validate(CONTAINERS), None)


def test_off_linux_there_are_processes_alone(podman: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(UsageError, match="on Linux alone") as caught:
        engine_of(Config.model_validate(CONTAINERS), None)
    assert caught.value.hint == "set `local.executor: process`"
