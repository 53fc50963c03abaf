"""What tests of images that batchctl makes share: a base image, an installer, a look inside."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from registry_double import RegistryDouble, digest

from batchctl.image.composed import ComposedRecipe
from batchctl.image.dependencies import Dependencies
from batchctl.image.installation import PackageTarget
from batchctl.image.oci.pushing import Transfer
from batchctl.image.recipe import Registry
from batchctl.image.running import Watch

BASE = "library/python"
BIG = b"a layer of the base image" * 100_000


def tar(files: dict[str, bytes]) -> bytes:
    """Return a tar file with these files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def configuration(architecture: str, *layers: bytes) -> dict[str, Any]:
    """Return the configuration of a base image of Python 3.12."""
    return {
        "architecture": architecture,
        "os": "linux",
        "config": {
            "Env": ["PATH=/usr/local/bin:/usr/bin", "PYTHON_VERSION=3.12.4"],
            "Entrypoint": ["/docker-entrypoint.sh"],
        },
        "rootfs": {"type": "layers", "diff_ids": [digest(each) for each in layers]},
    }


class Installer:
    """Lays out one package and counts how often it was asked to."""

    def __init__(self) -> None:
        self.targets: list[PackageTarget] = []

    def __call__(
        self,
        dependencies: Dependencies,
        own: Sequence[str],
        target: PackageTarget,
        folder: Path,
        watch: Watch,
    ) -> None:
        self.targets.append(target)
        (folder / "boto3").mkdir(parents=True)
        (folder / "boto3" / "__init__.py").write_text(", ".join([*own, *dependencies.lines]))
        (folder / "bin").mkdir()
        (folder / "bin" / "tool").write_text("#!/this/machine/python")


def compose(recipe: ComposedRecipe, ecr: RegistryDouble) -> Transfer:
    """Make the image as it is now, beside those that are there; return what was transferred."""
    fresh = replace(recipe)
    tags = [name for name in ecr.manifests if ":" in name and "@" not in name]
    newest = digest(ecr.manifests[tags[-1]][0]) if tags else None
    registry = Registry(f"{ecr.host}/app", lambda: "good", newest)
    return fresh.compose(registry, fresh.contents, Watch())


def manifest_of(recipe: ComposedRecipe, ecr: RegistryDouble) -> dict[str, Any]:
    """Return the manifest of the image of a folder as it is now."""
    found: dict[str, Any] = json.loads(ecr.manifests[f"app:{replace(recipe).contents}"][0])
    return found


def files_of(recipe: ComposedRecipe, ecr: RegistryDouble) -> dict[str, tarfile.TarInfo]:
    """Return all that is in the layers of an image, by its name."""
    found = {}
    for layer in manifest_of(recipe, ecr)["layers"]:
        with tarfile.open(fileobj=io.BytesIO(ecr.blobs[layer["digest"]]), mode="r:gz") as archive:
            found.update({entry.name: entry for entry in archive})
    return found


def unpacked(content: bytes) -> bytes:
    """Return what is in a gzip frame; what is in none is returned as it is."""
    try:
        return gzip.decompress(content)
    except OSError:
        return content
