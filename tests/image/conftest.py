"""Builders that do nothing, alone on PATH, and a folder to build from."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_builder import FakeBuilder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's home folder, empty; nothing of the environment is about builders."""
    for name in ("BATCHCTL_BUILDER_OPTIONS", "DOCKER_CONFIG", "REGISTRY_AUTH_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def docker(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> FakeBuilder:
    """A docker, the only program on PATH."""
    made = FakeBuilder(tmp_path / "docker-is-here")
    made.install()
    monkeypatch.setenv("PATH", str(made.folder))
    return made


@pytest.fixture
def podman(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> FakeBuilder:
    """A podman, the only program on PATH."""
    made = FakeBuilder(tmp_path / "podman-is-here", "podman")
    made.install()
    monkeypatch.setenv("PATH", str(made.folder))
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder to build from."""
    made = tmp_path / "compute"
    made.mkdir()
    (made / "Dockerfile").write_text("FROM scratch\n", encoding="utf-8")
    (made / "compute.py").write_text("def compute(item, parameters): ...\n", encoding="utf-8")
    return made
