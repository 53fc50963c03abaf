"""Which engine there is: docker, podman or finch, the first on PATH that works.

`BATCHCTL_BUILDER_OPTIONS` in the environment, and `compute.builder_options` in config.yaml, are
options before every command of it (`--runtime runc`), for machines on which it doesn't work as it
comes.
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Sequence
from typing import Literal

from batchctl.errors import BatchctlError, Interrupted
from batchctl.image.container_engine import ContainerEngine
from batchctl.image.running import Watch

Choice = Literal["auto", "docker", "podman", "finch"]
NAMES = ("docker", "podman", "finch")
OPTIONS_VARIABLE = "BATCHCTL_BUILDER_OPTIONS"


def find_engine(
    choice: Choice, options: Sequence[str] = (), watch: Watch | None = None
) -> ContainerEngine:
    """Return the engine that `choice` names; for `auto` the first on PATH that works.

    BatchctlError when there is none, or none that works.
    """
    watch = Watch(stop=watch.stop) if watch else Watch()
    names = NAMES if choice == "auto" else (choice,)
    installed = [name for name in names if shutil.which(name)]
    if not installed:
        raise _none(names)
    refusals: list[BatchctlError] = []
    for name in installed:
        given = (*options, *_options_of_this_machine())
        engine = ContainerEngine(name, name, given).identified(watch)
        try:
            engine.check(watch)
        except Interrupted:
            raise
        except BatchctlError as error:
            refusals.append(error)
        else:
            return engine
    raise _all_refused(refusals)


def _all_refused(refusals: Sequence[BatchctlError]) -> BatchctlError:
    """Return one error of all: whoever has two engines may have meant the second."""
    hints = dict.fromkeys(each.hint for each in refusals if each.hint)
    return BatchctlError("\n".join(each.message for each in refusals), "; or ".join(hints) or None)


def _options_of_this_machine() -> Sequence[str]:
    return shlex.split(os.environ.get(OPTIONS_VARIABLE, ""))


def _none(names: Sequence[str]) -> BatchctlError:
    listed = ", ".join(f"`{name}`" for name in names)
    why, install = f"none of {listed} is on PATH", "install one"
    if len(names) == 1:
        why, install = f"{listed} is not on PATH", "install it, name another (`compute.builder`)"
    return BatchctlError(
        f"could not find an image builder: {why}",
        hint=f"{install}, or name a finished image: `compute.image` in config.yaml",
    )
