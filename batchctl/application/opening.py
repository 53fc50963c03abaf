"""The ways into an application: as it is deployed, by its state alone, or to build it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from batchctl.application.application import Application
from batchctl.application.events import ConfigWarning, GoingByState, OnEvent, ignore
from batchctl.application.front_door_change import agreed_door, refuse_silent_change
from batchctl.application.recorded import RecordedStates
from batchctl.application.target import Target
from batchctl.config import Config, load, load_with_flags
from batchctl.engine.state import StateError
from batchctl.errors import UsageError


def open_application(target: Target, on_event: OnEvent = ignore) -> Application:
    """Return the application that the configuration describes, its front door as it is deployed.

    Nothing is called yet. UsageError when the configuration can't be read or breaks rules.
    """
    return _opened(target, RecordedStates(target.state_folder), on_event)


def open_recorded(target: Target, on_event: OnEvent = ignore) -> Application:
    """Return the application as its configuration says, or without one as the state here does.

    UsageError when the configuration can't be used and there is no state, or more than one.
    """
    states = RecordedStates(target.state_folder)
    try:
        return _opened(target, states, on_event)
    except UsageError:
        found = states.only()
        if found is None:
            raise
    path, state = found
    on_event(GoingByState(path))
    config = Config(name=state.identity.stack, region=state.identity.region)
    return Application(target, config, states, on_event, recorded_only=True)


def open_to_build(
    target: Target, api_mode: str | None, auth: str | None, on_event: OnEvent = ignore
) -> Application:
    """Return the application with the flags of `up`, where None is a flag that wasn't given.

    UsageError when the front door would change without a flag that says so.
    """
    config = load_with_flags(
        target.config, api_mode, auth, warn=lambda text: on_event(ConfigWarning(text))
    )
    application = Application(target, config, RecordedStates(target.state_folder), on_event)
    refuse_silent_change(config, application.recorded, api_mode, auth)
    return application


def _opened(target: Target, states: RecordedStates, on_event: OnEvent) -> Application:
    config = load(target.config, _deployed_door(states))
    return Application(target, config, states, on_event)


def _deployed_door(states: RecordedStates) -> Callable[[str], Mapping[str, str]]:
    """Return what finds the front door that `up` built: its flags may have chosen another.

    What builds nothing goes by it, whatever config.yaml says.
    """

    def settings(name: str) -> Mapping[str, str]:
        try:
            door = agreed_door(states.of(name))
        except StateError:  # raised again where the state is needed
            return {}
        return {"mode": door.mode, "auth": door.auth} if door else {}

    return settings
