"""The application on the user's own machine."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from batchctl.config.sections.section import Section
from batchctl.config.values import (
    LocalPort,
)


class Local(Section):
    """The application on this machine (`batchctl --local`)."""

    gateway_port: LocalPort = "auto"
    """Port of the local AWS; `auto`: 4566 or next.

    It listens on 127.0.0.1. The local cloud keeps the port that it got.
    """
    api_port: LocalPort = "auto"
    """Port of the local API; `auto`: api.port or next.

    Where another application's local cloud has the port, this one gets the next free port, says so,
    and keeps it.
    """
    executor: Literal["process", "container"] = "process"
    """How tasks run.

    `process`: as processes of this machine. `container`: in containers of the image, which is
    then built here.
    """
    vcpus: Annotated[int, Field(ge=1)] | None = None
    """vCPUs for tasks; null: all of the machine's."""
