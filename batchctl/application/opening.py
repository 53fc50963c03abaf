"""The ways into an application for its jobs: as it is deployed, or by its state alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TypeVar

from batchctl.application.application import Application
from batchctl.application.events import GoingByState, OnEvent, ignore
from batchctl.application.front_door import built_front_door
from batchctl.application.recorded import RecordedStates
from batchctl.application.shared_states import SharedStates
from batchctl.application.target import Target
from batchctl.config import Config, load
from batchctl.engine.state import StateError
from batchctl.errors import UsageError

Opened = TypeVar("Opened", bound=Application)


def open_application(target: Target, on_event: OnEvent = ignore) -> Application:
    """Return the application that the configuration describes, its front door as it is deployed.

    Nothing is called yet. UsageError when the configuration can't be read or breaks rules.
    """
    return opened(Application, target, on_event)


def open_recorded(target: Target, on_event: OnEvent = ignore) -> Application:
    """Return the application as its configuration says, or without one as the state here does.

    UsageError when the configuration can't be used and there is no state, or more than one.
    """
    return recorded(Application, target, on_event)


def opened(kind: type[Opened], target: Target, on_event: OnEvent) -> Opened:
    """Return what `open_application` does, as this kind of application."""
    states = RecordedStates(target.state_folder)
    config = load(target.config, _deployed_door(states))
    application = kind(target, config, states, on_event)
    shared = sharing(application)
    if shared is application:
        return application
    config = load(target.config, _deployed_door(shared.states))
    return having(shared, dataclasses.replace(shared, config=config))


def sharing(application: Opened) -> Opened:
    """Return the application with the state that it shares; itself where it shares none.

    A local cloud is its folder's alone.
    """
    config, target = application.config, application.target
    if config.state is None or target.local:
        return application
    states = SharedStates(target.state_folder, address=config.state, aws=application.aws)
    return having(application, dataclasses.replace(application, states=states))


def having(known: Application, same: Opened) -> Opened:
    """Return the second of two views of one application, which uses the first one's account."""
    if "aws" in vars(known):
        vars(same)["aws"] = vars(known)["aws"]
    return same


def recorded(kind: type[Opened], target: Target, on_event: OnEvent) -> Opened:
    """Return what `open_recorded` does, as this kind of application."""
    try:
        return opened(kind, target, on_event)
    except UsageError:
        states = RecordedStates(target.state_folder)
        found = states.only()
        if found is None:
            raise
    path, state = found
    on_event(GoingByState(path))
    config = Config(name=state.identity.stack, region=state.identity.region)
    return kind(target, config, states, on_event, recorded_only=True)


def _deployed_door(states: RecordedStates) -> Callable[[str], Mapping[str, str]]:
    """Return what finds the front door that `up` built: its flags may have chosen another.

    What builds nothing goes by it, whatever config.yaml says.
    """

    def settings(name: str) -> Mapping[str, str]:
        try:
            return built_front_door(states.of(name))
        except StateError:  # raised again where the state is needed
            return {}

    return settings
