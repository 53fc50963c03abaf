"""The containers of one local cloud: all carry its label.

So what a killed cloud leaves behind is found again: `reaper` removes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from batchctl.image.container_engine import ContainerEngine
from batchctl.image.credentials import private_login
from batchctl.image.running import Ended, EngineError

LABEL = "batchctl.cloud"
_NEVER = "0001-01-01"
"""How an engine writes the time of what hasn't happened: Go's zero time."""


@dataclass(frozen=True)
class ContainerState:
    """How a container stands; the exit code counts only when it was started and has ended."""

    was_started: bool
    is_running: bool
    exit_code: int


@dataclass(frozen=True)
class OwnedContainers:
    """An engine as one cloud uses it; `owner` marks whose containers these are.

    EngineError has what the engine said last when it refuses a command.
    """

    engine: ContainerEngine
    owner: str

    @classmethod
    def parse(cls, command_line: str, owner: str) -> OwnedContainers:
        """Take the engine of a command line such as `podman --runtime runc`."""
        # A command that is under way when the cloud is killed has to end before `remove_all`.
        return cls(replace(ContainerEngine.parse(command_line), new_session=False), owner)

    def pull(self, image: str) -> None:
        """Fetch `image` from its registry, as the engine is set up."""
        _require(self.engine.pull(image))

    def pull_from_here(self, image: str, password: str) -> None:
        """Fetch `image` from a registry of this machine, over HTTP, as ECR's user.

        The login is seen by nobody else.
        """
        engine = self.engine.identified()
        with private_login(engine.kind, engine.environment) as environment:
            _require(engine.login(image.partition("/")[0], password, environment))
            _require(engine.pull(image, environment))

    def create(
        self, name: str, arguments: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> None:
        """Make a container; `environment` is where `--env NAME` among `arguments` finds values."""
        label = ("--label", f"{LABEL}={self.owner}")
        _require(self.engine.create(name, (*label, *arguments), environment or {}))

    def state(self, name: str) -> ContainerState:
        """Return how a container stands; EngineError when there is none."""
        found: dict[str, Any] = json.loads(_require(self.engine.inspect(name)))
        return ContainerState(
            was_started=not str(found.get("StartedAt") or _NEVER).startswith(_NEVER),
            is_running=bool(found.get("Running")),
            exit_code=int(found.get("ExitCode", 0)),
        )

    def names(self) -> list[str]:
        """Return the cloud's containers, running or not."""
        return self.engine.containers(f"{LABEL}={self.owner}")

    def remove_all(self) -> None:
        """End and delete every container of the cloud's."""
        while names := self.names():
            self.engine.remove(*names)
            if set(names) <= set(self.names()):
                return  # the engine can't: trying again for ever would help nobody


def _require(ended: Ended) -> str:
    if not ended.succeeded:
        raise EngineError(ended.last_line)
    return ended.output
