"""The ways into an application to build it, compare it or delete it."""

from __future__ import annotations

import dataclasses

from batchctl.application.building import BuildableApplication
from batchctl.application.events import ConfigWarning, OnEvent, ignore
from batchctl.application.front_door_change import refuse_silent_change
from batchctl.application.opening import having, opened, recorded, sharing
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
    states, flags = RecordedStates(target.state_folder), (api_mode, auth)
    application = sharing(BuildableApplication(target, config, states, on_event, flags=flags))
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


def as_deployed(application: BuildableApplication) -> BuildableApplication:
    """Return the same with the front door that AWS shows, where no state here says which.

    config.yaml may say another: `up --api-mode` and `--auth` chose it.
    """
    found = application.found.state if application.found else None
    if found is None or found.api_mode is None:
        return application
    config = application.config.with_flags(found.api_mode, found.api_auth)
    flags = (found.api_mode, found.api_auth)
    same = having(application, dataclasses.replace(application, config=config, flags=flags))
    vars(same)["found"] = application.found
    return same
