"""The container engine of this machine (docker, podman, finch) as the local cloud uses it.

Commands that all three have, and nothing of their daemons: a container is created, started with
its output attached, and removed. All carry a label, so that what a killed cloud leaves behind is
found again: `reaper` removes it.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from batchctl.image.builders import Builder
from batchctl.image.credentials import private_login

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
"""What tells an engine's client where its engine, images and settings are."""

LABEL = "batchctl.cloud"
_NEVER = "0001-01-01"
"""How an engine writes the time of what hasn't happened: Go's zero time."""


class EngineError(Exception):
    """The engine refused a command; the text is what it said."""


@dataclass(frozen=True)
class ContainerState:
    """How a container stands; the exit code counts only when it was started and has ended."""

    was_started: bool
    is_running: bool
    exit_code: int


@dataclass(frozen=True)
class Engine:
    """An engine's command with its global options; `owner` marks whose containers these are.

    Its client has the environment of the moment when this is made.
    """

    command: tuple[str, ...]
    owner: str
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)

    @classmethod
    def parse(cls, command_line: str, owner: str) -> Engine:
        """Read a command line such as `podman --runtime runc`, quoted as for a shell."""
        return cls(tuple(shlex.split(command_line)), owner)

    def has_image(self, image: str) -> bool:
        """Return whether the engine holds `image`, so that nothing has to be pulled."""
        return self._run("image", "inspect", "--format", "{{.Id}}", image).returncode == 0

    def pull(self, image: str) -> None:
        """Fetch `image` from its registry; EngineError says why it couldn't."""
        self._done("pull", image)

    def pull_from_here(self, image: str, password: str) -> None:
        """Fetch `image` from a registry of this machine, over HTTP, as ECR's user; EngineError.

        Docker and finch speak HTTP with this machine unasked. The login is seen by nobody else.
        """
        # What is called docker may be podman.
        kind = "podman" if "podman" in self._done("--version").lower() else self._name
        options = ("--tls-verify=false",) if kind == "podman" else ()
        with private_login(Builder(kind, self.command[0]), self.environment) as environment:
            registry = image.partition("/")[0]
            login = ("login", "--username", "AWS", "--password-stdin", *options, registry)
            self._check(self._run(*login, environment=environment, given=password))
            self._check(self._run("pull", *options, image, environment=environment))

    def create(
        self, name: str, arguments: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> None:
        """Make a container; `environment` is where `--env NAME` finds values; EngineError."""
        # Podman's `rm --force` asks first, and waits for as long as the container may take.
        options = ("--name", name, "--label", f"{LABEL}={self.owner}", "--stop-timeout", "0")
        self._check(self._run("create", *options, *arguments, environment=environment))

    def start(self, name: str) -> subprocess.Popen[bytes]:
        """Start a container; the client that is returned has its output, and ends with it."""
        return subprocess.Popen(  # noqa: S603 - the engine that the user chose
            [*self.command, "start", "--attach", name],
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
        return self._run("kill", "--signal", str(number), name).returncode == 0

    def state(self, name: str) -> ContainerState:
        """Return how a container stands; EngineError when there is none."""
        form = "{{json .State}}"
        found: dict[str, Any] = json.loads(
            self._done("inspect", "--type", "container", "--format", form, name)
        )
        return ContainerState(
            was_started=not str(found.get("StartedAt") or _NEVER).startswith(_NEVER),
            is_running=bool(found.get("Running")),
            exit_code=int(found.get("ExitCode", 0)),
        )

    def remove(self, *names: str) -> None:
        """End and delete containers with the volumes of their images; quiet when they are gone."""
        self._run("rm", "--force", "--volumes", *names)

    def names(self) -> list[str]:
        """Return the containers that carry the owner's label, running or not."""
        found = self._run("ps", "--all", "--quiet", "--filter", f"label={LABEL}={self.owner}")
        return found.stdout.split()

    def remove_all(self) -> None:
        """End and delete every container of the owner's."""
        while names := self.names():
            self.remove(*names)
            if set(names) <= set(self.names()):
                return  # the engine can't: trying again for ever would help nobody

    def _done(self, *arguments: str) -> str:
        return self._check(self._run(*arguments))

    def _check(self, done: subprocess.CompletedProcess[str]) -> str:
        if done.returncode != 0:
            lines = done.stderr.strip().splitlines()
            raise EngineError(lines[-1] if lines else f"exit code {done.returncode}")
        return done.stdout

    @property
    def _name(self) -> str:
        return os.path.basename(self.command[0])  # noqa: PTH119 - of a command, not of a file

    def _run(
        self, *arguments: str, environment: Mapping[str, str] | None = None, given: str = ""
    ) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(  # noqa: S603 - the engine that the user chose
                [*self.command, *arguments],
                env={**self.environment, **(environment or {})},
                input=given,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
            )
        except OSError as error:
            raise EngineError(f"could not run `{self.command[0]}`: {error.strerror}") from error
