"""A real build: what lies in an image when podman has made it of the assembled context."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest
from podman_here import temporary_podman, why_not

from batchctl.image.assembly import assembled
from batchctl.image.container_engine import Build, ContainerEngine
from batchctl.image.context import read_context
from batchctl.image.running import Watch

REFERENCE = "localhost/assembled:1"
PLATFORM = "linux/amd64"


def files_of(archive: Path) -> set[str]:
    """Return the names of all files in the layers of a saved image."""
    with tarfile.open(archive) as image:
        manifest = image.extractfile("manifest.json")
        assert manifest
        (described,) = json.load(manifest)
        names: set[str] = set()
        for layer in described["Layers"]:
            with tarfile.open(fileobj=image.extractfile(layer)) as files:
                names |= {each.name for each in files.getmembers() if not each.isdir()}
        return names


@pytest.mark.skipif(bool(why_not()), reason=why_not())
def test_an_image_that_copies_everything_has_no_secret_and_no_tools_files(
    folder: Path, tmp_path: Path
) -> None:
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY . /app\n")
    (folder / ".dockerignore").write_text("Dockerfile\n!.env\n!.git\n")
    for name in (".env", ".aws/credentials", ".git/HEAD", "certs/server.key", "data/prices.csv"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(name)
    with temporary_podman() as podman, assembled(read_context(folder), tmp_path) as (copy, _):
        engine = ContainerEngine("podman", "podman", podman.command[1:])
        engine.build(Build(copy, REFERENCE, PLATFORM, {}), Watch())
        podman.run("save", "--quiet", "--output", str(tmp_path / "image.tar"), REFERENCE)
    assert files_of(tmp_path / "image.tar") == {"app/compute.py", "app/data/prices.csv"}
