"""The account as a run of the engine sees it: the world, through the real retries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import boto3
from world import STALE_NAMED_S, STALE_NUMBERED_S, Entity, World

from batchctl.aws.batched_reads import Reads
from batchctl.aws.clock import Clock
from batchctl.aws.retries import Retrier
from batchctl.aws.session import Aws, Connection

NO_CONNECTION = Connection(boto3.Session(region_name="us-east-1"))


class WorldAws(Aws):
    """The account as a run of the stack sees it: every call goes through the real retries."""

    def __init__(
        self,
        world: World,
        clock: Clock,
        tags: Mapping[str, str],
        on_wait: Callable[[str], None] = lambda _: None,
    ) -> None:
        super().__init__(NO_CONNECTION, stack="app", tags=tags, clock=clock, on_wait=on_wait)
        self.world = world

    def _view(self, on_wait: Callable[[str], None], reads: Reads) -> WorldAws:
        view = WorldAws(self.world, self.clock, self.user_tags, on_wait)
        view.creations, view.reads = self.creations, reads
        return view

    def ask(self, operation: str, parameters: Mapping[str, Any], once: Callable[[], Any]) -> Any:
        """Call `once` with the retries that `operation` gets."""
        random: Random = self.world.turns.random
        retrier = Retrier(self.clock, self.on_wait, random.random, self.creations)
        return retrier.call(operation, once, parameters)

    def look(self, operation: str, what: str, read: Callable[[Mapping[str, Entity]], Any]) -> Any:
        """Read, with retries."""
        stale_s = STALE_NUMBERED_S if operation.startswith("sim.List") else STALE_NAMED_S

        def once() -> dict[str, Any]:
            return {"It": self.world.look(f"{operation} {what}", read, stale_s)}

        return self.ask(operation, {"What": what}, once)["It"]
