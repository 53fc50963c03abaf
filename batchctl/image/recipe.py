"""How the image comes about: what it is made of, and the building and pushing of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Protocol

from batchctl.errors import BatchctlError
from batchctl.image.assembly import assembled
from batchctl.image.completion import complete
from batchctl.image.container_engine import Build, ContainerEngine
from batchctl.image.context import Context, read_context, unreadable
from batchctl.image.credentials import private_login
from batchctl.image.engine_search import Choice, find_engine
from batchctl.image.failures import MAY_PUSH, failure, login_is_over
from batchctl.image.running import Watch
from batchctl.image.secrets import suspicions

# 96 bits: as good as the whole hash, and a line of the plan holds it.
CONTENTS_LENGTH = 24
BASE_ARGUMENT = "BASE"
_MOST_NAMED = 3
_DOCKER_NAMES = {"x86_64": "amd64", "arm64": "arm64", "aarch64": "arm64", "amd64": "amd64"}


@dataclass(frozen=True)
class Registry:
    """Where an image goes: `uri` is registry and repository, `password` asks for a good one.

    `newest` is the digest of the newest image there, None where there is none.
    """

    uri: str
    password: Callable[[], str]
    newest: str | None = None

    @property
    def host(self) -> str:
        """The registry's host, with its port where it has one."""
        return self.uri.partition("/")[0]


class Recipe(Protocol):
    """What an image is made of.

    `contents` stands for all that decides it: the same contents are the same image. `rebuilt` tells
    an image that is to be built once more, on a newer base, from those before it.
    """

    @property
    def contents(self) -> str:
        """The hash by which the image is known."""

    @property
    def rebuilt(self) -> str | None:
        """When it was asked to be built once more (`20261124T003252Z`); None when it was not."""

    def push_to(self, registry: Registry, tag: str, watch: Watch) -> None:
        """Build the image and push it; BatchctlError, with all output, when that fails."""


@dataclass(frozen=True)
class Secrets:
    """What looks like a secret in a folder: paths that stay out of its image, and what goes in.

    `inside` has each file of the latter with the reason, never with what it holds; what
    `include_files` names isn't among it.
    """

    kept_out: tuple[str, ...] = ()
    inside: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FolderRecipe:
    """A folder with a compute.py, a Dockerfile or both, built for a platform (`linux/amd64`).

    What is built has our runner in it, and our Dockerfile where the folder has none. `base_image`
    is the build argument BASE; None leaves the Dockerfile's own. `include_files` go into the image
    although they look like secrets. `workspace` is where the context is assembled.
    """

    folder: Path
    platform: str
    base_image: str | None = None
    builder: Choice = "auto"
    builder_options: tuple[str, ...] = ()
    rebuilt: str | None = None
    include_files: tuple[str, ...] = ()
    workspace: Path | None = None

    @cached_property
    def contents(self) -> str:
        """The hash of the build context, the platform and the base image's name."""
        return self._contents_of(self._context)

    @cached_property
    def secrets(self) -> Secrets:
        """What of the folder looks like a secret; BatchctlError when a file can't be read."""
        return secrets_in(self._own, self.folder, self.include_files)

    @cached_property
    def _own(self) -> Context:
        return read_context(self.folder, self.include_files)

    @cached_property
    def _context(self) -> Context:
        return complete(self._own, self.folder)

    def _contents_of(self, context: Context) -> str:
        settings = {"platform": self.platform, **self._arguments}
        with unreadable(self.folder):
            return context.hash(settings)[:CONTENTS_LENGTH]

    @property
    def _arguments(self) -> Mapping[str, str]:
        return {BASE_ARGUMENT: self.base_image} if self.base_image else {}

    def push_to(self, registry: Registry, tag: str, watch: Watch) -> None:
        """Build and push; the build context must be what it was when `contents` was read."""
        engine = find_engine(self.builder, self.builder_options, watch)
        reference = f"{registry.uri}:{tag}"
        self._build(engine, reference, watch)
        self._refuse_other_platform(engine.platform_of(reference, watch))
        push(engine, registry, reference, _with_progress(watch, f"{engine.kind} push"))

    def _build(self, engine: ContainerEngine, reference: str, watch: Watch) -> None:
        """Build from a copy whose hash is the plan's: what was planned is what is built."""
        now = complete(read_context(self.folder, self.include_files), self.folder)
        with assembled(now, self.workspace) as (folder, copy):
            self._refuse_changed(copy)
            build = Build(
                folder,
                reference,
                self.platform,
                self._arguments,
                fresh=self.rebuilt is not None,
                source=self.folder,
            )
            engine.build(build, _with_progress(watch, f"{engine.kind} build"))

    def _refuse_changed(self, context: Context) -> None:
        if self._contents_of(context) != self.contents:
            changed = self._context.differing(context)
            named = ", ".join(f"`{each}`" for each in changed[:_MOST_NAMED])
            raise BatchctlError(
                f"could not build the image: {named}{' and others' * (len(changed) > _MOST_NAMED)} "
                f"in `{self.folder}` changed since the plan was made",
                hint="run the command again; what changes all the time (a log, an editor's file) "
                "goes into `.dockerignore`",
            )

    def _refuse_other_platform(self, built: str) -> None:
        if built != self.platform:
            raise BatchctlError(
                f"could not use the image of `{self.folder}`: it was built for {built}, "
                f"the machines are {self.platform}",
                hint="the Dockerfile, or its base image, is for one platform alone: take another "
                "base image (`compute.base_image`), or change `compute.architecture`",
            )


def secrets_in(context: Context, folder: Path, include_files: Collection[str]) -> Secrets:
    """Return what of a folder's context looks like a secret, but what `include_files` names.

    BatchctlError when a file can't be read.
    """

    def is_named(name: str) -> bool:
        return any(PurePosixPath(name).is_relative_to(each) for each in include_files)

    unnamed = (each for each in context.files.items() if not is_named(each[0]))
    with unreadable(folder):
        return Secrets(context.kept_out, suspicions(unnamed))


def push(engine: ContainerEngine, registry: Registry, reference: str, watch: Watch) -> None:
    """Push an image; a login that ends on the way is renewed once: pushed layers stay pushed."""
    with private_login(engine.kind, engine.environment) as environment:
        for is_last in (False, True):
            login = engine.login(registry.host, registry.password(), environment, watch)
            if not login.succeeded:
                raise failure(f"log in to `{registry.host}`", login, builder=engine.kind)
            ended = engine.push(reference, environment, watch)
            if ended.succeeded:
                return
            if is_last or not login_is_over(ended.output):
                what = f"push the image `{reference}`"
                raise failure(what, ended, builder=engine.kind, otherwise=MAY_PUSH)


def platform_of(architecture: str) -> str:
    """Return the platform, as builders spell it, of a processor (`x86_64`, `arm64`, `aarch64`)."""
    name = architecture.lower()
    return f"linux/{_DOCKER_NAMES.get(name, name)}"


def _with_progress(watch: Watch, what: str) -> Watch:
    """Return a watch that says which program a line is of."""
    return Watch(lambda line: watch.on_line(f"{what}: {line}"), watch.stop)
