"""The program that builds, pushes and runs images: docker, podman or finch, as it is here.

Commands that all three have, and nothing of their daemons. `engine_search` finds the one to use;
`batchctl/local/owned_containers.py` knows whose containers are whose.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath

from batchctl.image.failures import failure
from batchctl.image.running import Command, Ended, Watch, run

VARIABLES = frozenset(
    {
        "BUILDAH_ISOLATION",
        "CONTAINERS_CONF",
        "CONTAINERS_STORAGE_CONF",
        "CONTAINER_HOST",
        "DBUS_SESSION_BUS_ADDRESS",
        "DOCKER_CONFIG",
        "DOCKER_CONTEXT",
        "DOCKER_HOST",
        "REGISTRY_AUTH_FILE",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
        "XDG_RUNTIME_DIR",
    }
)
"""The environment variables that name an engine's server, images and settings to its client."""

_LOOPBACK = ("127.", "localhost", "[::1]")
_NO_VARIABLES: Mapping[str, str] = {}


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
class ContainerEngine:
    """An engine on this machine. `kind` is what it is, `program` how it is called.

    Its client has the environment of the time when this is made. With `new_session` its commands
    are in sessions of their own, which `watch` ends; else they end with this process's group.
    Where a method returns how the command ended, that is for the caller to judge; EngineError when
    it can't be run at all.
    """

    kind: str
    program: str
    options: tuple[str, ...] = ()
    has_buildx: bool = False
    new_session: bool = True
    environment: Mapping[str, str] = field(
        default_factory=lambda: dict(os.environ), repr=False, compare=False
    )

    @classmethod
    def parse(cls, command_line: str) -> ContainerEngine:
        """Read a command line such as `podman --runtime runc`, quoted as for a shell.

        Its kind is what it is called; `identified` asks.
        """
        program, *options = shlex.split(command_line)
        return cls(PurePath(program).name, program, tuple(options))

    def identified(self, watch: Watch | None = None) -> ContainerEngine:
        """Return the engine as what it says it is: what is called docker may be podman."""
        version = Command((self.program, "--version"), self.environment)
        says = _answer(version, watch).output.lower()
        kind = next((each for each in ("podman", "finch") if each in says), self.kind)
        buildx = kind == "docker" and self._asked("buildx", "version", watch=watch).succeeded
        return replace(self, kind=kind, has_buildx=buildx)

    def command(self, *arguments: str) -> tuple[str, ...]:
        """Return a command line of it, with the options that this machine needs."""
        return (self.program, *self.options, *arguments)

    def check(self, watch: Watch) -> None:
        """Raise BatchctlError when it can't work: its daemon or virtual machine doesn't run."""
        command = (
            ("version", "--format", "{{.Server.Version}}") if self.kind == "docker" else ("info",)
        )
        ended = self._asked(*command, watch=watch)
        if not ended.succeeded:
            raise failure(f"use the image builder `{self.program}`", ended, builder=self.kind)

    def build(self, build: Build, watch: Watch) -> None:
        """Build an image into the engine's own store; BatchctlError with the whole output."""
        # Without the attestations that buildx adds there is one manifest, not an index of two
        # (Docker documentation, "Build variables", BUILDX_NO_DEFAULT_ATTESTATIONS).
        environment = {"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
        ended = run(self._run_in(environment, *self._build(build)), watch)
        if not ended.succeeded:
            source = build.source or build.folder
            what = f"build the image of `{source}`"
            fix = f"{_what_to_fix(source)}, then run the command again"
            raise failure(what, ended, builder=self.kind, platform=build.platform, otherwise=fix)

    def _build(self, build: Build) -> Sequence[str]:
        # A builder of buildx that is no docker engine keeps its images for itself but for --load.
        start = ("buildx", "build", "--load", "--progress=plain") if self.has_buildx else ("build",)
        arguments = [f"--build-arg={key}={value}" for key, value in build.arguments.items()]
        fresh = ("--pull", "--no-cache") if build.fresh else ()
        names = ("--platform", build.platform, "--tag", build.reference)
        return (*start, *names, *arguments, *fresh, str(build.folder))

    def has_image(self, reference: str) -> bool:
        """Return whether the engine holds an image, so that nothing has to be pulled."""
        return self._asked("image", "inspect", "--format", "{{.Id}}", reference).succeeded

    def platform_of(self, reference: str, watch: Watch) -> str:
        """Return what an image here was built for (`linux/arm64`)."""
        form = "{{.Os}}/{{.Architecture}}"
        ended = self._asked("image", "inspect", "--format", form, reference, watch=watch)
        if not ended.succeeded:
            raise failure(f"find the image `{reference}`", ended, builder=self.kind)
        return ended.output.strip().splitlines()[-1]

    def login(
        self, host: str, password: str, environment: Mapping[str, str], watch: Watch | None = None
    ) -> Ended:
        """Log in to a registry as ECR's user, with the password on stdin."""
        user = ("login", "--username", "AWS", "--password-stdin")
        command = self._run_in(environment, *user, *self._plain_http(host), host)
        return _answer(replace(command, given=password), watch)

    def push(self, reference: str, environment: Mapping[str, str], watch: Watch) -> Ended:
        """Push an image."""
        options = self._plain_http(_host_of(reference))
        return run(self._run_in(environment, "push", *options, reference), watch)

    def pull(self, reference: str, environment: Mapping[str, str] = _NO_VARIABLES) -> Ended:
        """Fetch an image from its registry."""
        options = self._plain_http(_host_of(reference))
        return self._asked("pull", *options, reference, environment=environment)

    def _plain_http(self, host: str) -> Sequence[str]:
        """Docker and finch speak HTTP with this machine by themselves, podman has to be asked."""
        return ("--tls-verify=false",) if self.kind == "podman" and is_loopback(host) else ()

    def create(
        self,
        name: str,
        arguments: Sequence[str],
        environment: Mapping[str, str] = _NO_VARIABLES,
    ) -> Ended:
        """Make a container; `environment` is where `--env NAME` among `arguments` finds values."""
        # Podman's `rm --force` asks first, and waits for as long as the container may take.
        options = ("--name", name, "--stop-timeout", "0")
        return self._asked("create", *options, *arguments, environment=environment)

    def start(self, name: str) -> subprocess.Popen[bytes]:
        """Start a container; the client that is returned has its output, and ends with it."""
        return subprocess.Popen(  # noqa: S603 - the engine that the user chose
            self.command("start", "--attach", name),
            env=self.environment,
            # Podman's monitor of a container that ran out of memory leaves a file where it is.
            cwd=tempfile.gettempdir(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def send_signal(self, name: str, number: int) -> bool:
        """Send a signal to a container's program; False when it doesn't run (yet, or any more)."""
        return self._asked("kill", "--signal", str(number), name).succeeded

    def inspect(self, name: str) -> Ended:
        """Print how a container stands, as JSON."""
        return self._asked("inspect", "--type", "container", "--format", "{{json .State}}", name)

    def remove(self, *names: str) -> None:
        """End and delete containers with the volumes of their images; quiet when they are gone."""
        self._asked("rm", "--force", "--volumes", *names)

    def containers(self, label: str) -> list[str]:
        """Return the containers that carry a label (`NAME=VALUE`), running or not."""
        return self._asked("ps", "--all", "--quiet", "--filter", f"label={label}").output.split()

    def _asked(
        self,
        *arguments: str,
        watch: Watch | None = None,
        environment: Mapping[str, str] = _NO_VARIABLES,
    ) -> Ended:
        return _answer(self._run_in(environment, *arguments), watch)

    def _run_in(self, environment: Mapping[str, str], *arguments: str) -> Command:
        variables = {**self.environment, **environment}
        return Command(self.command(*arguments), variables, new_session=self.new_session)


def _answer(command: Command, watch: Watch | None) -> Ended:
    """Run a short command: its lines don't go to `watch`, and warnings stay apart."""
    return run(command, Watch(stop=watch.stop) if watch else Watch(), is_apart=True)


def _what_to_fix(source: Path) -> str:
    dockerfile = source / "Dockerfile"
    if dockerfile.is_file():
        return f"fix `{dockerfile}`"
    return f"fix `{source / 'requirements.txt'}`, or write a `{dockerfile}` that does more"


def is_loopback(host: str) -> bool:
    """Whether a registry's host is this machine."""
    return host.startswith(_LOOPBACK)


def _host_of(reference: str) -> str:
    return reference.partition("/")[0]
