"""A user's own compute folder and machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from application import Application

TIMEOUT_S = 240.0


def put_compute(folder: Path, code: str) -> None:
    """Give the application in `folder` a compute/ with nothing in it but this compute.py."""
    (folder / "compute").mkdir()
    (folder / "compute" / "compute.py").write_text(code, encoding="utf-8")


def give_vcpus(application: Application, vcpus: int) -> None:
    """Let so many tasks of one vCPU run at a time, whatever this machine has."""
    settings = application.folder / "config.yaml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("local: {", f"local: {{vcpus: {vcpus}, "), encoding="utf-8")


def eventually(look: Callable[[], Any], is_good: Callable[[Any], object]) -> Any:
    """Return what `look` finds as soon as it is good; fail with the last that it found."""
    deadline = time.monotonic() + TIMEOUT_S
    while not is_good(found := look()):
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
    return found
