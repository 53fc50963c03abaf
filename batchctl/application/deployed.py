"""Whether what job commands work on is there, as this folder alone says: nothing is asked.

A command about jobs goes by the state of its folder, never by whoever answers on a port: that may
be the application of another folder.
"""

from __future__ import annotations

from pathlib import Path

from batchctl.application.job_resources import NotDeployed
from batchctl.application.target import Target
from batchctl.engine.state import State
from batchctl.local.control import ports
from batchctl.local.control.process import status
from batchctl.local.control.record import CloudRecord

UP = "run `batchctl up` first"
TRY_IT = (
    "check `name`, the region and the profile; to deploy it run `batchctl up`, or "
    "`batchctl --local up` to try it on this machine"
)


def require_recorded(target: Target, name: str, state: State | None, path: str) -> State:
    """Return what is recorded of the application; NotDeployed when that is nothing."""
    if state is None or not state.resources:
        here = "in this folder's local cloud" if target.local else "in this account and region"
        why = "records nothing" if state else "does not exist"
        raise NotDeployed(
            f"could not find application `{name}`: it is not deployed {here} (`{path}` {why})",
            hint=UP if target.local else TRY_IT,
        )
    return state


def require_running(target: Target, port: int) -> CloudRecord:
    """Return the local cloud of the folder; NotDeployed when it doesn't run.

    Another folder's cloud that has the `port` is named, and never used.
    """
    running = status(target.local_folder)
    if running is not None:
        return running
    folder = target.folder.resolve()
    owner = ports.cloud_on(port)
    other = f"; port {port} belongs to the local cloud of `{_folder_of(owner)}`" if owner else ""
    raise NotDeployed(
        f"could not find the local cloud of `{folder}`: it is not running{other}", hint=UP
    )


def _folder_of(directory: Path) -> Path:
    """Return the folder of an application by that of its local cloud, `.batchctl/local`."""
    return directory.parent.parent
