from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import victim as victims
from local_cloud import new_settings

from batchctl.local.control import process


@pytest.fixture(scope="session")
def project() -> Iterator[Path]:
    """A folder that every user of the machine can enter: pytest's own are closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="attacked-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def victim(project: Path) -> Iterator[victims.Victim]:
    """A cloud for all attacks of this process."""
    settings = new_settings(project)
    try:
        yield victims.start(settings)
    finally:
        process.stop(settings.directory)
