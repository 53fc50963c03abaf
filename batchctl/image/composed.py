"""The image that batchctl makes itself, of a folder with a compute.py and without a Dockerfile.

On the base image lie three layers: the packages, the runner, the user's files. Each is known by the
hash of what it is made from. What the newest image in the repository has already is taken from
there by its name, so a changed compute.py is one small layer, and a machine that has never seen the
base image needs it not at all.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from batchctl.errors import BatchctlError
from batchctl.image.completion import require_compute, with_runner
from batchctl.image.context import Context, read_context, unreadable
from batchctl.image.dependencies import Dependencies, read_dependencies
from batchctl.image.installation import Installer, PackageTarget, install
from batchctl.image.oci.assembly import (
    INPUTS,
    LAYER,
    Placed,
    Settings,
    assemble,
    base_of,
    layers_of,
)
from batchctl.image.oci.base import Base, repository_of, resolve
from batchctl.image.oci.blob_cache import BlobCache
from batchctl.image.oci.descriptors import Descriptor, Manifest
from batchctl.image.oci.layers import Layer, Owner, write_layer
from batchctl.image.oci.pushing import Source, Transfer, push
from batchctl.image.oci.registry import NotFoundError, Repository
from batchctl.image.oci.transport import Transport
from batchctl.image.recipe import CONTENTS_LENGTH, Registry, Secrets, secrets_in
from batchctl.image.running import Watch
from batchctl.packaging import RUNNER_COMMAND, RUNNER_FOLDER, runner_files

FOLDER = "/app"
PACKAGES = "/opt/batchctl/packages"
ROOT, NOBODY = Owner(), Owner(65534, 65534)
OWN_PACKAGES = ("boto3>=1.43,<2",)
"""What the runner imports."""

FORM = "1"
"""Of what is made of the same inputs: another one is another image."""

DEFAULT_BASE = "public.ecr.aws/docker/library/python:{python}-slim"
_PYTHON = re.compile(r"3\.[0-9]+")


@dataclass(frozen=True)
class ComposedRecipe:
    """A folder with a compute.py, made into an image for a platform (`linux/amd64`) without Docker.

    `base_image` None is the official Python image of the version `python`. `include_files` go into
    the image although they look like secrets. `cache` is where blobs of base images are kept,
    `workspace` where layers are made; `installer` lays out the packages.
    """

    folder: Path
    platform: str
    cache: Path
    python: str = "3.13"
    base_image: str | None = None
    rebuilt: str | None = None
    include_files: tuple[str, ...] = ()
    workspace: Path | None = None
    transport: Transport = field(default_factory=Transport, compare=False, repr=False)
    installer: Installer = field(default=install, compare=False, repr=False)

    @cached_property
    def contents(self) -> str:
        """The hash of the user's files, the runner, the platform, base image's name and Python."""
        return self._contents_of(self._own)

    @cached_property
    def secrets(self) -> Secrets:
        """What of the folder looks like a secret; BatchctlError when a file can't be read."""
        return secrets_in(self._own, self.folder, self.include_files)

    @cached_property
    def dependencies(self) -> Dependencies:
        """The packages that compute.py needs."""
        return read_dependencies(self.folder)

    @property
    def base_name(self) -> str:
        """The base image's name."""
        return self.base_image or DEFAULT_BASE.format(python=self.python)

    @cached_property
    def _own(self) -> Context:
        return self.read()

    def read(self) -> Context:
        """Return the user's files as they are now; BatchctlError without a compute.py."""
        context = read_context(self.folder, self.include_files)
        require_compute(context, self.folder)
        return context

    def _contents_of(self, context: Context) -> str:
        settings = {
            "platform": self.platform,
            "base": self.base_name,
            "python": self.python,
            "packages": self.dependencies.hash,
            "form": FORM,
        }
        with unreadable(self.folder):
            return with_runner(context).hash(settings)[:CONTENTS_LENGTH]

    def push_to(self, registry: Registry, tag: str, watch: Watch) -> None:
        """Make the image and push what the repository lacks of it."""
        self.compose(registry, tag, watch)

    def compose(self, registry: Registry, tag: str, watch: Watch) -> Transfer:
        """Make the image and push it; return what was uploaded, and what was there already.

        BatchctlError for whatever is in the way; a later run goes on from there.
        """
        transport = dataclasses.replace(self.transport, stop=watch.stop)
        target = Repository(
            registry.host,
            registry.uri.partition("/")[2],
            transport,
            registry.password,
            scope="push,pull",
        )
        composition = _Composition(self, target, transport, watch)
        with _workspace(self.workspace) as work:
            return composition.run(registry.newest, tag, work)

    def target_of(self, base: Base) -> PackageTarget:
        """Return what packages are for: the base image's Python, as official images say it."""
        found = _PYTHON.match(base.environment.get("PYTHON_VERSION", ""))
        return PackageTarget(self.platform, found[0] if found else self.python)

    def packages_inputs(self, base: Base) -> str:
        """Return the hash of what decides the layer of packages on a base image."""
        target = self.target_of(base)
        return _hash(*OWN_PACKAGES, self.dependencies.hash, target.platform, target.python, FORM)

    def serves(self, base: Base | None) -> bool:
        """Whether the base image of an earlier image is to be the next one's, too."""
        if base is None or self.rebuilt is not None or base.name != self.base_name:
            return False
        found = f"{base.configuration.get('os')}/{base.configuration.get('architecture')}"
        return found == self.platform

    def refuse_changed(self, context: Context) -> None:
        """Raise BatchctlError when the folder isn't as it was when `contents` was read."""
        if self._contents_of(context) != self.contents:
            raise BatchctlError(
                f"could not make the image: `{self.folder}` has changed since the plan was made",
                hint="run the command again",
            )


@dataclass(frozen=True)
class _Former:
    """What the newest image in the repository has that may serve again."""

    base: Base | None = None
    layers: Mapping[str, Placed] = field(default_factory=dict)


@dataclass(frozen=True)
class _Composition:
    """One making of an image."""

    recipe: ComposedRecipe
    target: Repository
    transport: Transport
    watch: Watch

    def run(self, newest: str | None, tag: str, work: Path) -> Transfer:
        former = self._former(newest)
        base = self._base(former)
        made = [
            self._packages(former, base, work),
            self._runner(former, work),
            self._compute(former, work),
        ]
        placed = [each if isinstance(each, Placed) else _placed(each) for each in made]
        image = assemble(base, placed, self._settings(base))
        sources: dict[str, Source] = {
            each.descriptor.digest: each.open for each in made if isinstance(each, Layer)
        }
        if former.base is None:
            sources |= {each.digest: self._from_base(base, each) for each in base.layers}
        transfer = push(self.target, tag, image, sources, self._say)
        uploaded = sum(transfer.uploaded.values())
        self._say(f"uploaded {uploaded / 1e6:.1f} MB in {len(transfer.uploaded)} parts")
        return transfer

    def _former(self, newest: str | None) -> _Former:
        """Read the newest image of the repository; one that isn't ours serves for nothing."""
        if newest is None or self.recipe.rebuilt is not None:
            return _Former()
        try:
            manifest = Manifest.parse(self.target.manifest(newest)[0], str(self.target))
            base = base_of(manifest)
            if base is None or not self.recipe.serves(base):
                return _Former()
            configuration = json.loads(self.target.blob(manifest.config.digest))
        except NotFoundError:
            return _Former()
        return _Former(base, layers_of(manifest, configuration))

    def _base(self, former: _Former) -> Base:
        if former.base is not None:
            return former.base
        self._say(f"reading the base image {self.recipe.base_name}")
        return resolve(self.recipe.base_name, self.recipe.platform, self.transport)

    def _packages(self, former: _Former, base: Base, work: Path) -> Layer | Placed:
        dependencies = self.recipe.dependencies
        target = self.recipe.target_of(base)
        inputs = self.recipe.packages_inputs(base)
        if (known := _same(former, "packages", inputs)) is not None:
            return known
        self._say(f"installing packages for Python {target.python} on {target.platform}")
        folder = work / "packages"
        self.recipe.installer(dependencies, OWN_PACKAGES, target, folder, self.watch)
        files = {f"{PACKAGES}/{name}": path for name, path in _installed(folder)}
        return self._write("packages", files, inputs, work)

    def _runner(self, former: _Former, work: Path) -> Layer | Placed:
        return self._files(former, "runner", files_of_runner(), work)

    def _compute(self, former: _Former, work: Path) -> Layer | Placed:
        """Copy first, then compare the copy with the plan: it is what goes into the layer."""
        copies = _copied(self.recipe.read().files, work / "compute")
        self.recipe.refuse_changed(Context(copies))
        return self._files(former, "compute", copies, work)

    def _files(
        self, former: _Former, role: str, files: Mapping[str, Path], work: Path
    ) -> Layer | Placed:
        inputs = files_inputs(files)
        if (known := _same(former, role, inputs)) is not None:
            return known
        named = {f"{FOLDER}/{name}": path for name, path in files.items()}
        return self._write(role, named, inputs, work)

    def _write(self, role: str, files: Mapping[str, Path], inputs: str, work: Path) -> Layer:
        try:
            return write_layer(
                work / f"{role}.tar.gz",
                files,
                # The user can read the files whatever their modes are; nobody can change ours.
                owner=NOBODY if role == "compute" else ROOT,
                annotations={LAYER: role, INPUTS: inputs},
                compressed=role == "packages",
            )
        except OSError as error:
            raise BatchctlError(
                f"could not make the layer `{role}` in `{work}`: {error}",
                hint="it takes as much space as its files: name in `.dockerignore` what the image "
                "doesn't need",
            ) from error

    def _from_base(self, base: Base, layer: Descriptor) -> Source:
        def opened() -> Any:
            self._say(f"fetching a layer of the base image ({layer.size / 1e6:.1f} MB)")
            source = repository_of(base.name, self.transport)
            return BlobCache(self.recipe.cache).fetch(source, layer).open("rb")

        return opened

    def _settings(self, base: Base) -> Settings:
        before = base.environment.get("PYTHONPATH", "")
        environment = {
            "PYTHONPATH": ":".join(filter(None, (PACKAGES, before))),
            # A line of the log is seen when it is printed, not when a buffer is full.
            "PYTHONUNBUFFERED": "1",
        }
        user = f"{NOBODY.uid}:{NOBODY.gid}"
        return Settings(RUNNER_COMMAND, FOLDER, user, environment)

    def _say(self, text: str) -> None:
        self.watch.on_line(f"image: {text}")


def _same(former: _Former, role: str, inputs: str) -> Placed | None:
    known = former.layers.get(role)
    return known if known is not None and known.inputs == inputs else None


def _placed(layer: Layer) -> Placed:
    return Placed(layer.descriptor, layer.diff_id)


def _installed(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield what was installed, without what names this machine: caches, programs."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        is_ours = name.parts[0] != "bin" and "__pycache__" not in name.parts
        if is_ours and path.is_file() and name.name not in _OF_THIS_MACHINE:
            yield name.as_posix(), path


_OF_THIS_MACHINE = frozenset(
    {"INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", ".lock"}
)


def _copied(files: Mapping[str, Path], folder: Path) -> dict[str, Path]:
    copies = {}
    with unreadable(folder):
        for name, source in files.items():
            copy = copies[name] = folder / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, copy, follow_symlinks=False)
    return copies


@contextlib.contextmanager
def _workspace(folder: Path | None) -> Iterator[Path]:
    try:
        with TemporaryDirectory(prefix="image-", dir=folder, ignore_cleanup_errors=True) as made:
            yield Path(made)
    except OSError as error:
        raise BatchctlError(
            f"could not make the image in `{folder or 'the temporary folder'}`: {error}",
            hint="free some space there: packages and files are laid out before they are uploaded",
        ) from error


def files_of_runner() -> Mapping[str, Path]:
    """Return the files of the runner by their names in the image's working directory."""
    return {f"{RUNNER_FOLDER}/{name}": path for name, path in runner_files().items()}


def files_inputs(files: Mapping[str, Path]) -> str:
    """Return the hash of what decides a layer of files."""
    return _hash(Context(dict(sorted(files.items()))).hash({}), FORM)


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:CONTENTS_LENGTH]
