"""The application that a command works on, as the shared options say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchctl import application
from batchctl.application.events import (
    ConfigWarning,
    DifferentPython,
    Event,
    GoingByState,
    InstallingLocalCloud,
    OtherPort,
    StartingLocalCloud,
)
from batchctl.cli.options import assumes_api_role, current_options
from batchctl.cli.output import say

if TYPE_CHECKING:
    from batchctl.application import Application, BuildableApplication
    from batchctl.jobs import JobsClient


def open_application() -> Application:
    """Return the application that config.yaml describes, its front door as it is deployed."""
    return application.open_application(current_options().target, report)


def open_recorded() -> Application:
    """Return the application as config.yaml says, or without one as the state does."""
    return application.open_recorded(current_options().target, report)


def open_to_build(api_mode: str | None, auth: str | None) -> BuildableApplication:
    """Return the application with these flags of `up`, where None wasn't given."""
    return application.open_to_build(current_options().target, api_mode, auth, report)


def open_to_compare() -> BuildableApplication:
    """Return the application that config.yaml describes, to compare with what is deployed."""
    return application.open_to_compare(current_options().target, report)


def open_to_delete() -> BuildableApplication:
    """Return the application as config.yaml says, or without one as the state does."""
    return application.open_to_delete(current_options().target, report)


def open_jobs() -> tuple[Application, JobsClient]:
    """Return the application and the client of its jobs, who signs as `--assume-api-role` says."""
    opened = open_recorded()
    return opened, opened.jobs(assume_api_role=assumes_api_role())


def report(event: Event) -> None:
    """Print what happens beside what was asked for."""
    match event:
        case StartingLocalCloud():
            say("starting the local cloud …")
        case InstallingLocalCloud(text):
            say(text)
        case DifferentPython(here, image):
            say(f"local tasks run with Python {here}, the image has {image} (`compute.python`)")
        case OtherPort(what, usual, chosen):
            say(f"{what} listens on port {chosen} here: port {usual} is taken")
        case ConfigWarning(text):
            say(f"WARNING: {text}")
        case GoingByState(path):
            say(f"config.yaml can't be used: using the state file `{path}` instead")
