"""The bill of materials of an image: its base and its packages, from the image itself."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from composition import compose
from registry_double import RegistryDouble

from batchctl.errors import BatchctlError
from batchctl.image.bill_of_materials import (
    Package,
    bill_of_materials,
    packages_layer,
    packages_of,
)
from batchctl.image.composed import ComposedRecipe
from batchctl.image.oci.descriptors import Manifest

METADATA = """Metadata-Version: 2.4
Name: Typing_Extensions
Version: 4.15.0
License-Expression: PSF-2.0

Name: not a header any more
"""


@pytest.fixture
def manifest(recipe: ComposedRecipe, ecr: RegistryDouble) -> Manifest:
    """The manifest of an image that was made and pushed."""
    compose(recipe, ecr)
    (name,) = (each for each in ecr.manifests if "@" not in each)
    return Manifest.parse(ecr.manifests[name][0], "app")


def layer_with(path: Path, *metadata: str) -> Path:
    """Write a layer with packages that are described so."""
    with tarfile.open(path, "w:gz") as archive:
        for number, text in enumerate(metadata):
            name = f"opt/batchctl/packages/package-{number}.dist-info/METADATA"
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
        archive.addfile(tarfile.TarInfo("opt/batchctl/packages/six.py"))
    return path


def test_packages_are_read_from_their_own_metadata(tmp_path: Path) -> None:
    long_text = "Name: boto3\nVersion: 1.44\nLicense: A text\n of many lines\n"
    layer = layer_with(tmp_path / "layer", METADATA, long_text)
    assert packages_of(layer) == (
        Package("boto3", "1.44"),
        Package("Typing_Extensions", "4.15.0", "PSF-2.0"),
    )


def test_what_is_no_layer_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "layer").write_bytes(b"none")
    with pytest.raises(BatchctlError, match="could not read the packages"):
        packages_of(tmp_path / "layer")


def test_it_has_the_base_images_digest_and_the_packages(
    manifest: Manifest, recipe: ComposedRecipe, public: RegistryDouble
) -> None:
    packages = (Package("Typing_Extensions", "4.15.0", "PSF-2.0"), Package("six", "1.17.0"))
    name, digest = "1.dkr.ecr.us-east-1.amazonaws.com/app", "sha256:0a"
    found = bill_of_materials(name, digest, manifest, packages)

    assert (found["bomFormat"], found["specVersion"], found["version"]) == ("CycloneDX", "1.6", 1)
    assert found["metadata"]["component"]["version"] == digest
    base, first, second = found["components"]
    assert base["name"] == recipe.base_name
    assert f"library/python@{base['version']}" in public.manifests
    assert first["purl"] == "pkg:pypi/typing-extensions@4.15.0"
    assert first["licenses"] == [{"license": {"name": "PSF-2.0"}}]
    assert "licenses" not in second
    assert found == bill_of_materials(name, digest, manifest, packages), "always the same"
    assert packages_layer(manifest) == len(manifest.layers) - 3


def test_an_image_of_another_making_is_refused(manifest: Manifest) -> None:
    foreign = Manifest(manifest.config, manifest.layers[:1])
    assert packages_layer(foreign) is None
    with pytest.raises(BatchctlError, match="batchctl did not make it"):
        bill_of_materials("app", "sha256:0a", foreign, ())
