"""A user's own compute folder: the runner as it comes, with another compute.py."""

from __future__ import annotations

import shutil
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "compute"
SKIPPED = shutil.ignore_patterns("__pycache__", "compute.py", "prices.csv")


def put_compute(folder: Path, code: str) -> None:
    """Give the application in `folder` a compute/ whose compute.py has this code."""
    shutil.copytree(SOURCE, folder / "compute", ignore=SKIPPED)
    (folder / "compute" / "compute.py").write_text(code, encoding="utf-8")
