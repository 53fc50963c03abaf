"""The choice of the front door: flags before config.yaml, and never loosened silently.

What `up` built is remembered in the state. Without flags config.yaml has to say the same; a change
needs a flag. Whatever lets more in than today, or logs less, is marked in the plan and asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batchctl.cli.application import Application
from batchctl.cli.options import Options
from batchctl.cli.output import say
from batchctl.cli.runs import confirm
from batchctl.config import load_with_flags
from batchctl.engine.state import State, read_state
from batchctl.errors import UsageError
from batchctl.resources.apigateway import AUTHENTICATION_OFF
from batchctl.stack.openness import (
    Door,
    door_of,
    front_door_warnings,
    loosened_since,
    openness_warning,
)

if TYPE_CHECKING:
    from batchctl.config import Config
    from batchctl.engine.plan import Plan


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


def remember_front_door(application: Application) -> None:
    """Record the front door that `up` builds: what was agreed to."""
    door = door_of(application.config)
    application.state.remember_api(door.mode, door.auth, door.cidrs or (), door.scheme or "")


def _agreed(application: Application) -> Door | None:
    """Return the front door that the state records; None when nothing is deployed."""
    state = _deployed(application)
    if state is None:
        return None
    auth = state.api_auth or "none"
    return Door(state.api_mode or "alb", auth, state.api_cidrs, state.api_scheme)


def loosened(application: Application, made: Plan) -> tuple[str, ...]:
    """Return what `up` would let in that is refused today, or no longer log, each once."""
    agreed = _agreed(application)
    doors = loosened_since(agreed, door_of(application.config)) if agreed else ()
    return tuple(dict.fromkeys((*doors, *made.loosens)))


def front_door_change(application: Application, made: Plan) -> dict[str, Any]:
    """Return, as data, what becomes of the front door: `from` is None when nothing is deployed."""
    agreed, api = _agreed(application), application.config.api
    found = loosened(application, made)
    return {
        "from": {"mode": agreed.mode, "auth": agreed.auth} if agreed else None,
        "to": {"mode": api.mode, "auth": api.auth},
        "loosens": bool(found),
        "loosened": list(found),
        "warnings": list(_warnings(application)),
    }


def show_front_door(application: Application, made: Plan) -> None:
    """Print what becomes of the front door, when it changes, and what to know of the new one."""
    found = front_door_change(application, made)
    old, new = found["from"], found["to"]
    if old and old != new:
        say(
            f"front door: `{old['mode']}` with auth `{old['auth']}` -> "
            f"`{new['mode']}` with auth `{new['auth']}`; the old one goes once the new one works"
        )
    for sentence in found["loosened"]:
        say(f"LOOSENED: {sentence}")
    for warning in found["warnings"]:
        say(f"WARNING: {warning}")


def _warnings(application: Application) -> tuple[str, ...]:
    """Return the warnings; nobody but this machine reaches the local cloud."""
    if application.options.local:
        return ()
    return tuple(front_door_warnings(application.config, application.aws.partition.id))


def refuse_unasked(application: Application, made: Plan, *, yes: bool, loosen: bool) -> None:
    """Raise UsageError when `--yes` would be the answer to what it is no answer to.

    A door that is opened for the first time is what config.yaml asks for, and authentication goes
    only with a flag that says so: there `--yes` will do.
    """
    found = [each for each in loosened(application, made) if each != _said_by_flag(application)]
    if found and yes and not loosen and not application.options.local:
        raise UsageError(
            f"could not go ahead with `--yes`, as this lets more in or logs less than today: "
            f"{'; '.join(found)}",
            hint="to keep what is there, put it into config.yaml; to go ahead, run `batchctl up` "
            "and answer the question, or `batchctl up --yes --loosen`",
        )


def _said_by_flag(application: Application) -> str | None:
    """Return what `open_to_build` let pass only because a flag asked for it."""
    agreed = _agreed(application)
    return AUTHENTICATION_OFF if agreed and agreed.auth == "iam" else None


def confirm_front_door(application: Application, made: Plan, *, yes: bool, loosen: bool) -> None:
    """Ask before anything is loosened, and before an open door is opened for the first time.

    The local cloud asks nothing: only this machine reaches it.
    """
    if application.options.local:
        return
    found = loosened(application, made)
    if AUTHENTICATION_OFF in found:
        confirm("let in requests without a signature?", yes=yes or loosen)
    if any(each != AUTHENTICATION_OFF for each in found):
        confirm("go ahead with what is marked LOOSENED?", yes=yes or loosen)
    if _deployed(application) is None and openness_warning(door_of(application.config)):
        confirm("let in anyone on the internet?", yes=yes)
