"""The choice of the front door: flags before config.yaml, and never loosened silently.

What `up` built is remembered in the state. Without flags config.yaml has to say the same; a change
needs a flag, and one that lets unsigned requests in is marked in the plan and asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from batchctl.cli.application import Application
from batchctl.cli.options import Options
from batchctl.cli.output import say
from batchctl.config import load_with_flags
from batchctl.engine.state import State, read_state
from batchctl.errors import UsageError
from batchctl.stack.front_door import front_door_warnings

if TYPE_CHECKING:
    from batchctl.config import Config


def open_to_build(options: Options, api_mode: str | None, auth: str | None) -> Application:
    """Return the application with the flags of `up`, where None is a flag that wasn't given.

    UsageError when the front door would change without a flag that says so.
    """
    config = load_with_flags(options.config_path, api_mode, auth)
    application = Application(options, config)
    state = _deployed(application)
    if state is not None:
        _refuse_silent_change(config, state, api_mode, auth)
    return application


def _deployed(application: Application) -> State | None:
    """Return the state of what is deployed; None when nothing is."""
    state = read_state(application.state_path)
    return state if state and state.api_mode and state.resources else None


def _refuse_silent_change(
    config: Config, state: State, api_mode: str | None, auth: str | None
) -> None:
    # A load balancer knows one `auth` only: who asks for the one asks for the other.
    auth_is_said = auth is not None or api_mode == "alb"
    now, deployed = config.api, (state.api_mode, state.api_auth)
    differing = [
        f"`{key}` in config.yaml is `{wanted}`, deployed is `{built}`"
        for key, said, wanted, built in (
            ("api.mode", api_mode is not None, now.mode, state.api_mode),
            ("api.auth", auth_is_said, now.auth, state.api_auth),
        )
        if not said and wanted != built
    ]
    if differing:
        keep = "--api-mode {} --auth {}".format(*deployed)
        change = f"--api-mode {now.mode} --auth {now.auth}"
        raise UsageError(
            f"could not choose the front door: {'; '.join(differing)}",
            hint=f"to keep it: `batchctl up {keep}`, or say so in config.yaml; "
            f"to change it: `batchctl up {change}`",
        )


def loosens(application: Application) -> bool:
    """Whether `up` would let in requests that need a signature today."""
    state = _deployed(application)
    return bool(state and state.api_auth == "iam" and application.config.api.auth == "none")


def front_door_change(application: Application) -> dict[str, Any]:
    """Return, as data, what becomes of the front door: `from` is None when nothing is deployed."""
    state, api = _deployed(application), application.config.api
    return {
        "from": {"mode": state.api_mode, "auth": state.api_auth} if state else None,
        "to": {"mode": api.mode, "auth": api.auth},
        "loosens": loosens(application),
        "warnings": list(_warnings(application)),
    }


def show_front_door(application: Application) -> None:
    """Print what becomes of the front door, when it changes, and what to know of the new one."""
    found = front_door_change(application)
    old, new = found["from"], found["to"]
    if old and old != new:
        say(
            f"front door: `{old['mode']}` with auth `{old['auth']}` -> "
            f"`{new['mode']}` with auth `{new['auth']}`; the old one goes once the new one works"
        )
    if found["loosens"]:
        say("LOOSENED: today only signed requests are let in, then whoever reaches the endpoint")
    for warning in found["warnings"]:
        say(f"warning: {warning}")


def _warnings(application: Application) -> Iterator[str]:
    yield from front_door_warnings(application.config, application.aws.partition.id)
