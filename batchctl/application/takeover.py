"""Taking over a stack that is deployed and that no state here knows: a question of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from batchctl.application.image import IMAGE
from batchctl.engine.origin import adopted
from batchctl.engine.plan import Plan
from batchctl.engine.state import State
from batchctl.errors import UsageError
from batchctl.resource import said_of_origin

DEFINITION = "job_definition.compute"


@dataclass(frozen=True)
class Takeover:
    """A stack that is deployed and not recorded here: how much of it was found, and whose it is.

    `origin` and `version` (of the batchctl that built it last) are None where its mark, of an older
    version, doesn't say them.
    """

    stack: str
    resources: int
    origin: str | None
    version: str | None

    def __str__(self) -> str:
        """Say in words what would be taken over."""
        made = said_of_origin(self.origin or "")
        version = f", last built with batchctl {self.version}" if self.version else ""
        resources = "1 resource" if self.resources == 1 else f"{self.resources} resources"
        return f"`{self.stack}` with {resources} ({made}{version})"


def refuse_sample(plan: Plan, state: State, folder: Path) -> None:
    """Raise UsageError where the packaged sample would take the place of code that is deployed.

    Whoever has config.yaml alone, without `folder`, would else deploy it. Where the sample itself
    is deployed, it may be brought up to date.
    """
    builds = any(step.address == IMAGE and step.mutates for step in plan.steps)
    has_code = state.compute is not None if state.is_used else DEFINITION in adopted(plan)
    if builds and has_code:
        raise UsageError(
            f"could not build the image: there is no folder `{folder}`, and the sample would "
            "replace the code that is deployed",
            hint="get the folder from where config.yaml is from, or name it (`compute.build`); "
            "for the sample, `batchctl init` writes it",
        )
