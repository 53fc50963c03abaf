"""A base image that podman has, as a registry would serve it."""

from __future__ import annotations

import gzip
import json
import tarfile
from pathlib import Path
from typing import Any

from podman_here import Podman
from registry_double import RegistryDouble


def serve_saved(podman: Podman, image: str, registry: RegistryDouble, name: str) -> str:
    """Put an image of podman's into a registry as `NAME:latest`; return its full name."""
    archive = podman.folder / "saved.tar"
    podman.run("save", "--quiet", "--output", str(archive), image)
    layers, configuration = _read(archive)
    archive.unlink()
    registry.add_image(name, [gzip.compress(each, 1, mtime=0) for each in layers], configuration)
    return f"{registry.host}/{name}:latest"


def _read(archive: Path) -> tuple[list[bytes], dict[str, Any]]:
    with tarfile.open(archive) as saved:

        def content(name: str) -> bytes:
            file = saved.extractfile(name)
            assert file is not None
            return file.read()

        (described,) = json.loads(content("manifest.json"))
        layers = [content(each) for each in described["Layers"]]
        return layers, json.loads(content(described["Config"]))
