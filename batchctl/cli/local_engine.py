"""What runs tasks in containers on this machine: the builder of images, as config.yaml says."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

from batchctl.config import Config
from batchctl.errors import UsageError

if TYPE_CHECKING:
    from batchctl.local.control.record import CloudRecord


def engine_of(config: Config, running: CloudRecord | None) -> str:
    """Return the command line of the container engine; empty where tasks are processes.

    A cloud that is `running` keeps the engine it has: its options may be those of another shell.
    UsageError off Linux, where containers live in a virtual machine, which doesn't share this
    machine's network with them; BatchctlError when no engine works here.
    """
    from batchctl.image.engine_search import find_engine

    if config.local.executor == "process":
        return ""
    if running is not None and running.engine:
        return running.engine
    if sys.platform != "linux":
        raise UsageError(
            "could not run tasks in containers: the local cloud does so on Linux alone",
            hint="set `local.executor: process`",
        )
    return shlex.join(find_engine(config.compute.builder, config.compute.builder_options).command())
