"""Opens an application (config under state, account or local cloud) and answers for it.

    application = open_to_build(Target(local=True), None, None)
    plan = application.plan()
    application.up(plan)
    application.jobs().submit("demo-1", ["AAPL"])

Nothing here prints or asks: what happens is reported as events to the caller's functions. Names are
loaded when they are first used, as boto3 and pydantic take their time: whoever only wants to read
a command's help doesn't wait for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batchctl.lazy_names import load_name

if TYPE_CHECKING:
    from batchctl.application.application import Application
    from batchctl.application.building import BuildableApplication
    from batchctl.application.front_door import FrontDoor
    from batchctl.application.front_door_change import FrontDoorChange
    from batchctl.application.image import superseded_in
    from batchctl.application.opening import open_application, open_recorded
    from batchctl.application.opening_to_build import (
        as_deployed,
        open_to_build,
        open_to_compare,
        open_to_delete,
    )
    from batchctl.application.openness import checked_networks, openness_of
    from batchctl.application.recent_jobs import recent_job_ids
    from batchctl.application.requirements import (
        newer_version,
        plan_file_of,
        require_allowed,
        require_no_downgrade,
        takeover_of,
    )
    from batchctl.application.settings import all_settings, check_settings, settings_schema
    from batchctl.application.single_run import SingleRun, run_item
    from batchctl.application.target import Target

__all__ = [
    "Application",
    "BuildableApplication",
    "FrontDoor",
    "FrontDoorChange",
    "SingleRun",
    "Target",
    "all_settings",
    "as_deployed",
    "check_settings",
    "checked_networks",
    "newer_version",
    "open_application",
    "open_recorded",
    "open_to_build",
    "open_to_compare",
    "open_to_delete",
    "openness_of",
    "plan_file_of",
    "recent_job_ids",
    "require_allowed",
    "require_no_downgrade",
    "run_item",
    "settings_schema",
    "superseded_in",
    "takeover_of",
]

if not TYPE_CHECKING:  # mypy would take every name for one that is there
    _MODULES = {
        "Application": "application",
        "BuildableApplication": "building",
        "FrontDoor": "front_door",
        "FrontDoorChange": "front_door_change",
        "SingleRun": "single_run",
        "Target": "target",
        "all_settings": "settings",
        "check_settings": "settings",
        "settings_schema": "settings",
        "checked_networks": "openness",
        "openness_of": "openness",
        "open_application": "opening",
        "open_recorded": "opening",
        "as_deployed": "opening_to_build",
        "open_to_build": "opening_to_build",
        "open_to_compare": "opening_to_build",
        "open_to_delete": "opening_to_build",
        "recent_job_ids": "recent_jobs",
        "newer_version": "requirements",
        "plan_file_of": "requirements",
        "require_allowed": "requirements",
        "require_no_downgrade": "requirements",
        "takeover_of": "requirements",
        "run_item": "single_run",
        "superseded_in": "image",
    }

    def __getattr__(name: str) -> Any:
        return load_name(__name__, _MODULES, name)
