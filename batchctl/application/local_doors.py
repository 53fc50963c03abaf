"""The ports of a folder's local cloud, and whose front door is behind the second one.

Every folder has a local cloud of its own, and all of them start out with the same ports: what is
taken makes way for the next free one, which the folder keeps.
"""

from __future__ import annotations

from batchctl.application.front_door import LOAD_BALANCER
from batchctl.application.recorded import RecordedStates
from batchctl.application.target import Target
from batchctl.config import Config
from batchctl.contract.front_doors import FRONT_DOORS, REST_API
from batchctl.errors import UsageError
from batchctl.local.control import ports
from batchctl.local.control.ports import Ports
from batchctl.local.control.process import status

GATEWAY_PORT = 4566
"""MiniStack's, as of every emulator of AWS that its users know."""


def local_ports(target: Target, config: Config) -> Ports:
    """Return the ports of the local cloud that runs, or those that it will get.

    A port that config.yaml names is taken as it stands. Where it says `auto` a running cloud keeps
    what it has; one that starts gets what it had last, or the first that is free.
    """
    running = status(target.local_folder)
    gateway, balancer = config.local.gateway_port, config.local.api_port
    if running is not None:
        return Ports(
            running.gateway_port if gateway == "auto" else gateway,
            running.load_balancer_port if balancer == "auto" else balancer,
        )
    named = {port for port in (gateway, balancer) if port != "auto"}
    had = ports.remembered(target.local_folder)
    if gateway == "auto":
        wanted = (had.gateway if had else GATEWAY_PORT, GATEWAY_PORT)
        gateway = ports.first_free(wanted, not_one_of={*named, config.api.port})
    if balancer == "auto":
        wanted = (had.load_balancer if had else config.api.port, config.api.port)
        balancer = ports.first_free(wanted, not_one_of={*named, gateway})
    return Ports(gateway, balancer)


def refuse_taken_door(target: Target, config: Config, states: RecordedStates) -> None:
    """Raise UsageError when the load balancer's port is the front door of another stack here."""
    if not FRONT_DOORS[config.api.mode].in_vpc or status(target.local_folder) is None:
        return
    for path, state in states.others(config.name):
        if state.outputs(LOAD_BALANCER):
            other = state.identity.stack
            raise UsageError(
                f"could not build the front door of `{config.name}`: the load balancer of this "
                f"folder's local cloud is that of `{other}` (`{path}`)",
                hint=f"set `name: {other}` and run `batchctl --local down` first, choose "
                f"`api.mode: {REST_API.mode}`, or use another folder: each has a local cloud of "
                "its own",
            )


def with_api_port(config: Config, port: int) -> Config:
    """Return the configuration with this port of the API."""
    return config.model_copy(update={"api": config.api.model_copy(update={"port": port})})
