"""What to know of the folder that the image is built from: old files, a runner that is missing."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from batchctl.cli.output import say
from batchctl.packaging import RUNNER_FOLDER

if TYPE_CHECKING:
    from batchctl.application.image import FolderNotice


def show_folder(notice: FolderNotice) -> None:
    """Print which files are of an older batchctl, and what the user's Dockerfile lacks."""
    show_superseded(notice.superseded)
    if notice.dockerfile is not None:
        copy = f"COPY {RUNNER_FOLDER} {RUNNER_FOLDER}"
        say(
            f"WARNING: `{os.path.relpath(notice.dockerfile)}` doesn't copy the runner: add "
            f"`{copy}` after `WORKDIR`, or set `compute.command`"
        )


def show_superseded(paths: Sequence[Path]) -> None:
    """Print which files are of an older batchctl, and may go."""
    if paths:
        listed = " ".join(shlex.quote(os.path.relpath(path)) for path in paths)
        say(f"files of an older batchctl, which are no longer used: delete them with `rm {listed}`")
