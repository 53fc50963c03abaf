"""The image that batchctl makes, as `plan`, `status` and `image sbom` speak of it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result
from composition import BASE, Installer, configuration, tar
from moto.ecr.models import ecr_backends
from registry_double import RegistryDouble, serving

from batchctl.image.composed import ComposedRecipe
from batchctl.image.oci.descriptors import OCI_MANIFEST
from batchctl.image.recipe import Registry
from batchctl.image.running import Watch

Batchctl = Callable[..., Result]
pytestmark = pytest.mark.usefixtures("account", "composed_for_real")


@pytest.fixture
def public(folder: Path) -> Iterator[RegistryDouble]:
    """A registry with the base image that config.yaml names, and a folder to make an image of."""
    registry = RegistryDouble()
    with serving(registry):
        put_base(registry, b"debian")
        base = f"{registry.host}/{BASE}:3.12"
        (folder / "config.yaml").write_text(f"name: app\ncompute: {{base_image: '{base}'}}\n")
        (folder / "compute").mkdir()
        (folder / "compute" / "compute.py").write_text("def compute(item, parameters): ...\n")
        yield registry


def put_base(registry: RegistryDouble, content: bytes) -> None:
    """Let the base image's tag name an image with this content."""
    layer = tar({"etc/os": content})
    packed = gzip.compress(layer, mtime=0)
    registry.add_image(BASE, [packed], configuration("amd64", layer), tag="3.12")


@pytest.fixture
def composed_for_real(
    folder: Path, public: RegistryDouble, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Images are made and pushed to a registry beside ECR, which gets the manifest."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    with serving(RegistryDouble()) as blobs:

        def push_to(made: ComposedRecipe, registry: Registry, tag: str, watch: Watch) -> None:
            there = Registry(f"{blobs.host}/app", registry.password)
            replace(made, installer=Installer()).compose(there, tag, watch)
            host, _, name = registry.uri.partition("/")
            account, _, _, region, *_ = host.split(".")
            manifest = blobs.manifests[f"app:{tag}"][0].decode()
            ecr_backends[account][region].put_image(name, manifest, tag, OCI_MANIFEST)

        monkeypatch.setattr(ComposedRecipe, "push_to", push_to)
        yield


def image_line(result: Result) -> str:
    return next(line for line in result.stderr.splitlines() if line.startswith("image: "))


def test_the_plan_says_which_layers_are_made(batchctl: Batchctl, folder: Path) -> None:
    first = image_line(batchctl("plan"))
    assert first.startswith("image: base image (127.0.0.1:")
    assert first.endswith(":3.12), packages (none), runner, compute (0 kB) to build")
    assert batchctl("up", "--yes").exit_code == 0
    assert "image: " not in batchctl("plan").stderr.replace("+ image", "")

    (folder / "compute" / "prices.csv").write_text("1," * 5000)
    said = "image: compute (10 kB) to build; base image, packages, runner reused"
    assert image_line(batchctl("plan")) == said
    assert json.loads(batchctl("plan", "--json").stdout)["image_layers"] == {
        "made": {"compute": "10 kB"},
        "reused": ["base image", "packages", "runner"],
    }
    rebuilt = batchctl("up", "--rebuild", "--yes")
    assert rebuilt.exit_code == 0, rebuilt.stderr
    assert "reused" not in rebuilt.stderr


def test_two_places_of_packages_are_an_error_before_anything_is_made(
    batchctl: Batchctl, folder: Path
) -> None:
    (folder / "compute" / "requirements.txt").write_text("numpy\n")
    (folder / "compute" / "pyproject.toml").write_text(
        "[project]\nname = 'own'\ndependencies = ['numpy']\n"
    )
    result = batchctl("up", "--yes")
    assert result.exit_code == 1
    assert "`requirements.txt` and `pyproject.toml` both say so" in result.stderr
    assert "created" not in result.stderr


def test_status_says_that_the_base_image_has_changed_since(
    batchctl: Batchctl, public: RegistryDouble
) -> None:
    batchctl("up", "--yes")
    assert "is newer now" not in batchctl("status").stdout
    put_base(public, b"debian, patched")
    assert f"`{public.host}/{BASE}:3.12` is newer now: `batchctl up --rebuild`" in (
        batchctl("status").stdout
    )
    found = json.loads(batchctl("status", "--json").stdout)
    assert found["newer_base"] == f"{public.host}/{BASE}:3.12"


def test_status_is_quiet_where_the_base_images_registry_does_not_answer(
    batchctl: Batchctl, public: RegistryDouble
) -> None:
    batchctl("up", "--yes")
    asked = len(public.requests)
    public.faults += [("manifests", 503)] * 9
    result = batchctl("status")
    assert result.exit_code == 0
    assert "changed since" not in result.output
    assert len(public.requests) - asked <= 3, "it isn't asked again and again"


def test_a_bill_of_materials_takes_an_image(batchctl: Batchctl) -> None:
    result = batchctl("image", "sbom")
    assert result.exit_code == 1
    assert "`up` has pushed none" in result.stderr
