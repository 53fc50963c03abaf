"""Seconds and bytes of the compute image: made by batchctl, and built and pushed by podman.

Both make it of the same files on the same base (this machine's Python), for the same registry,
which the tests' own double is; so the base comes from this machine too, and what is compared is the
making. `--delay 0.12` lets each answer of the registry wait, as one far away does.

    PYTHONPATH=tests/image:tests/local:tests/e2e python -m bench.image numpy pandas

It takes podman and root, as the tests of images do. Packages are installed from the package index
that pip or uv is set up for.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from podman_here import Podman, temporary_podman
from python_image import IMAGE, import_python
from registry_double import RegistryDouble, digest, serving
from saved_base import serve_saved

from batchctl.image.composed import ComposedRecipe
from batchctl.image.recipe import FolderRecipe, Registry
from batchctl.image.running import Watch

COMPUTE = "import json\n\ndef compute(item, parameters):\n    return {{'version': {version}}}\n"
REPOSITORY = "app"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
"""What this machine trusts, a company's proxy included: a build asks the package index, too."""


@dataclass(frozen=True)
class Ground:
    """What both work with: a folder, the base's name, and the registry that is pushed to."""

    folder: Path
    work: Path
    base: str
    registry: RegistryDouble

    def write(self, version: int) -> None:
        """Change a line of compute.py."""
        (self.folder / "compute.py").write_text(COMPUTE.format(version=version), encoding="utf-8")

    @property
    def target(self) -> Registry:
        """The registry as an `up` has it."""
        tags = [name for name in self.registry.manifests if "@" not in name]
        newest = digest(self.registry.manifests[tags[-1]][0]) if tags else None
        return Registry(f"{self.registry.host}/{REPOSITORY}", lambda: "good", newest)


Push = Callable[[Ground], None]


def ours(ground: Ground) -> None:
    """Make and push it as `up` does without a Dockerfile."""
    recipe = ComposedRecipe(
        ground.folder,
        "linux/amd64",
        ground.work / "cache",
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
        base_image=ground.base,
        workspace=ground.work,
    )
    recipe.push_to(ground.target, recipe.contents, Watch())


def podmans(ground: Ground) -> None:
    """Build and push it by podman, as `up` does with `compute.builder: podman`."""
    recipe = FolderRecipe(
        folder=ground.folder,
        platform="linux/amd64",
        base_image=IMAGE,
        builder="podman",
        workspace=ground.work,
    )
    recipe.push_to(ground.target, recipe.contents, Watch())


def measured(name: str, push: Push, ground: Ground) -> None:
    """Print what a first push, one after a changed line, and one of the same cost."""
    print(f"{name:8}{'seconds':>10}{'uploaded':>12}{'calls':>8}")
    for version, what in ((1, "cold"), (2, "changed"), (2, "same")):
        ground.write(version)
        bytes_before = sum(map(len, ground.registry.blobs.values()))
        calls_before = len(ground.registry.requests)
        begun = time.perf_counter()
        push(ground)
        seconds = time.perf_counter() - begun
        uploaded = sum(map(len, ground.registry.blobs.values())) - bytes_before
        calls = len(ground.registry.requests) - calls_before
        print(f"{what:8}{seconds:9.1f} {uploaded / 1e6:9.2f} MB{calls:8}", flush=True)
    size = sum(map(len, ground.registry.blobs.values()))
    print(f"{'':8}{'in the registry:':>10}{size / 1e6:9.2f} MB\n", flush=True)


@contextmanager
def grounds(podman: Podman, packages: Sequence[str], delay_s: float) -> Iterator[list[Ground]]:
    """Give each of the two a folder of the same files and a registry of its own."""
    with (
        tempfile.TemporaryDirectory() as work,
        serving(RegistryDouble()) as public,
        serving(RegistryDouble(password="good", delay_s=delay_s)) as first,  # noqa: S106 - a double
        serving(RegistryDouble(password="good", delay_s=delay_s)) as second,  # noqa: S106 - as above
    ):
        base = serve_saved(podman, IMAGE, public, "library/python")
        made = []
        for name, registry in (("ours", first), ("podman", second)):
            folder = Path(work, name, "compute")
            folder.mkdir(parents=True)
            (folder / "requirements.txt").write_text("".join(f"{each}\n" for each in packages))
            made.append(Ground(folder, folder.parent, base, registry))
        yield made


def main() -> None:
    """Measure both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", nargs="*", help="requirements of compute.py")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds of each answer")
    given = parser.parse_args()
    with temporary_podman() as podman:
        import_python(podman, CERTIFICATES if CERTIFICATES.exists() else None)
        os.environ |= podman.environment(podman.folder / "calls")
        with grounds(podman, given.packages, given.delay) as (first, second):
            measured("batchctl", ours, first)
            measured("podman", podmans, second)


if __name__ == "__main__":
    main()
