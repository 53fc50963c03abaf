"""The ways into an application to build it, compare it or delete it."""

from __future__ import annotations

from batchctl.application.building import BuildableApplication
from batchctl.application.events import ConfigWarning, OnEvent, ignore
from batchctl.application.front_door_change import refuse_silent_change
from batchctl.application.opening import opened, recorded
from batchctl.application.recorded import RecordedStates
from batchctl.application.target import Target
from batchctl.config import load_with_flags


def open_to_build(
    target: Target, api_mode: str | None, auth: str | None, on_event: OnEvent = ignore
) -> BuildableApplication:
    """Return the application with the flags of `up`, where None is a flag that wasn't given.

    UsageError when the front door would change without a flag that says so.
    """
    config = load_with_flags(
        target.config, api_mode, auth, warn=lambda text: on_event(ConfigWarning(text))
    )
    application = BuildableApplication(
        target, config, RecordedStates(target.state_folder), on_event
    )
    refuse_silent_change(config, application.recorded, api_mode, auth)
    return application


def open_to_compare(target: Target, on_event: OnEvent = ignore) -> BuildableApplication:
    """Return the application to compare with what is deployed, its front door as it is there.

    UsageError when the configuration can't be read or breaks rules.
    """
    return opened(BuildableApplication, target, on_event)


def open_to_delete(target: Target, on_event: OnEvent = ignore) -> BuildableApplication:
    """Return the application as its configuration says, or without one as the state here does.

    UsageError when the configuration can't be used and there is no state, or more than one.
    """
    return recorded(BuildableApplication, target, on_event)
