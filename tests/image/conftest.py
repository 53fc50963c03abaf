"""Builders that do nothing, alone on PATH; registries and a recipe; folders to build from."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from composition import BASE, BIG, Installer, configuration, tar
from fake_builder import FakeBuilder
from registry_double import RegistryDouble, serving

from batchctl.image.composed import ComposedRecipe
from batchctl.image.oci.transport import Transport


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


@pytest.fixture
def public() -> Iterator[RegistryDouble]:
    """A public registry with the base image, for two platforms under one tag."""
    registry = RegistryDouble()
    layers = [tar({"etc/os": b"debian"}), tar({"usr/lib/big": BIG})]
    for_platforms = {}
    for architecture in ("amd64", "arm64"):
        packed = [gzip.compress(each, mtime=0) for each in layers]
        found = registry.add_image(
            BASE, packed, configuration(architecture, *layers), tag=architecture
        )
        for_platforms[f"linux/{architecture}"] = found
    registry.add_index(BASE, for_platforms, "3.12")
    with serving(registry):
        yield registry


@pytest.fixture
def ecr() -> Iterator[RegistryDouble]:
    """A private registry, which wants a password."""
    with serving(RegistryDouble(password="good")) as registry:
        yield registry


@pytest.fixture
def compute(tmp_path: Path) -> Path:
    """A folder with a compute.py and what it reads."""
    folder = tmp_path / "compute"
    (folder / "data").mkdir(parents=True)
    (folder / "compute.py").write_text("def compute(item, parameters):\n    return {}\n")
    (folder / "data" / "prices.csv").write_text("1,2\n")
    return folder


@pytest.fixture
def installer() -> Installer:
    return Installer()


@pytest.fixture
def recipe(
    compute: Path, public: RegistryDouble, installer: Installer, tmp_path: Path
) -> ComposedRecipe:
    """The recipe of that folder."""
    return ComposedRecipe(
        compute,
        "linux/amd64",
        tmp_path / "cache",
        base_image=f"{public.host}/{BASE}:3.12",
        workspace=tmp_path,
        transport=Transport(sleep=lambda _: None),
        installer=installer,
    )
