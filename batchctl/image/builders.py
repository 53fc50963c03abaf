"""The program that builds, pushes and runs images: docker, podman or finch, as it is here.

`BATCHCTL_BUILDER_OPTIONS` in the environment, and `compute.builder_options` in config.yaml, are
options before every command of it (`--runtime runc`), for machines on which it doesn't work as it
comes.
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from batchctl.errors import BatchctlError, Interrupted
from batchctl.image.failures import failure
from batchctl.image.running import Ended, Watch, run

Choice = Literal["auto", "docker", "podman", "finch"]
NAMES = ("docker", "podman", "finch")
OPTIONS_VARIABLE = "BATCHCTL_BUILDER_OPTIONS"
_LOOPBACK = ("127.", "localhost", "[::1]")


@dataclass(frozen=True)
class Build:
    """One image to build: from which folder, under which reference, for which platform.

    `fresh` takes the newest base image and nothing that was built before. `source` is the user's
    folder, of which `folder` is the assembled copy.
    """

    folder: Path
    reference: str
    platform: str
    arguments: Mapping[str, str]
    fresh: bool = False
    source: Path | None = None


@dataclass(frozen=True)
class Builder:
    """A builder on this machine. `kind` is what it is, `program` how it is called."""

    kind: str
    program: str
    options: tuple[str, ...] = ()
    has_buildx: bool = False

    def command(self, *arguments: str) -> tuple[str, ...]:
        """Return a command line of it, with the options that this machine needs."""
        return (self.program, *self.options, *arguments)

    def build(self, build: Build, watch: Watch) -> None:
        """Build an image into the builder's own store; its output is told, and in the error."""
        # Without the attestations that buildx adds there is one manifest, not an index of two
        # (Docker documentation, "Build variables", BUILDX_NO_DEFAULT_ATTESTATIONS).
        environment = {"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
        ended = run(self.command(*self._build(build)), watch, environment=environment)
        if not ended.succeeded:
            source = build.source or build.folder
            what = f"build the image of `{source}`"
            mend = f"{_mend(source)}, then run the command again"
            raise failure(what, ended, builder=self.kind, platform=build.platform, otherwise=mend)

    def _build(self, build: Build) -> Sequence[str]:
        # A builder of buildx that is no docker engine keeps its images for itself but for --load.
        start = ("buildx", "build", "--load", "--progress=plain") if self.has_buildx else ("build",)
        arguments = [f"--build-arg={key}={value}" for key, value in build.arguments.items()]
        fresh = ("--pull", "--no-cache") if build.fresh else ()
        names = ("--platform", build.platform, "--tag", build.reference)
        return (*start, *names, *arguments, *fresh, str(build.folder))

    def platform_of(self, reference: str, watch: Watch) -> str:
        """Return what an image here was built for (`linux/arm64`)."""
        form = "{{.Os}}/{{.Architecture}}"
        command = self.command("image", "inspect", "--format", form, reference)
        ended = run(command, Watch(stop=watch.stop))
        if not ended.succeeded:
            raise failure(f"find the image `{reference}`", ended, builder=self.kind)
        return ended.output.strip().splitlines()[-1]

    def login(self, host: str, password: str, environment: Mapping[str, str], watch: Watch) -> None:
        """Log in to a registry as ECR's user, with the password on stdin."""
        command = self.command(
            "login", "--username", "AWS", "--password-stdin", *self._plain_http(host), host
        )
        ended = run(command, Watch(stop=watch.stop), given=password, environment=environment)
        if not ended.succeeded:
            raise failure(f"log in to `{host}`", ended, builder=self.kind)

    def push(self, reference: str, environment: Mapping[str, str], watch: Watch) -> Ended:
        """Push an image; how it ended is for the caller to judge."""
        host = reference.partition("/")[0]
        command = self.command("push", *self._plain_http(host), reference)
        return run(command, watch, environment=environment)

    def _plain_http(self, host: str) -> Sequence[str]:
        """Docker and finch speak HTTP with this machine by themselves, podman when told."""
        return ("--tls-verify=false",) if self.kind == "podman" and is_loopback(host) else ()

    def check(self, watch: Watch) -> None:
        """Raise BatchctlError when it can't work: its daemon or virtual machine doesn't run."""
        asked = (
            ("version", "--format", "{{.Server.Version}}") if self.kind == "docker" else ("info",)
        )
        ended = run(self.command(*asked), Watch(stop=watch.stop))
        if not ended.succeeded:
            raise failure(f"use the image builder `{self.program}`", ended, builder=self.kind)


def _mend(source: Path) -> str:
    dockerfile = source / "Dockerfile"
    if dockerfile.is_file():
        return f"mend `{dockerfile}`"
    return f"mend `{source / 'requirements.txt'}`, or write a `{dockerfile}` that does more"


def is_loopback(host: str) -> bool:
    """Whether a registry's host is this machine."""
    return host.startswith(_LOOPBACK)


def find_builder(
    choice: Choice, options: Sequence[str] = (), watch: Watch | None = None
) -> Builder:
    """Return the builder that `choice` names; for `auto` the first on PATH that works.

    BatchctlError when there is none, or none that works.
    """
    watch = watch or Watch()
    names = NAMES if choice == "auto" else (choice,)
    installed = [name for name in names if shutil.which(name)]
    if not installed:
        raise _none(names)
    refusals: list[BatchctlError] = []
    for name in installed:
        builder = _builder(name, (*options, *_options_of_this_machine()), watch)
        try:
            builder.check(watch)
        except Interrupted:
            raise
        except BatchctlError as error:
            refusals.append(error)
        else:
            return builder
    raise _all_refused(refusals)


def _all_refused(refusals: Sequence[BatchctlError]) -> BatchctlError:
    """Return one error of all: whoever has two builders may have meant the second."""
    hints = dict.fromkeys(each.hint for each in refusals if each.hint)
    return BatchctlError("\n".join(each.message for each in refusals), "; or ".join(hints) or None)


def _options_of_this_machine() -> Sequence[str]:
    return shlex.split(os.environ.get(OPTIONS_VARIABLE, ""))


def _builder(name: str, options: tuple[str, ...], watch: Watch) -> Builder:
    """Return a program as what it is: what is called docker may be podman."""
    quiet = Watch(stop=watch.stop)
    says = run((name, "--version"), quiet).output.lower()
    kind = next((each for each in ("podman", "finch") if each in says), name)
    buildx = kind == "docker" and run((name, *options, "buildx", "version"), quiet).succeeded
    return Builder(kind, name, options, has_buildx=buildx)


def _none(names: Sequence[str]) -> BatchctlError:
    listed = ", ".join(f"`{name}`" for name in names)
    why, install = f"none of {listed} is on PATH", "install one"
    if len(names) == 1:
        why, install = f"{listed} is not on PATH", "install it, name another (`compute.builder`)"
    return BatchctlError(
        f"could not find an image builder: {why}",
        hint=f"{install}, or name a finished image: `compute.image` in config.yaml",
    )
