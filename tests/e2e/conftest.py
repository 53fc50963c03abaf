"""A local cloud for each module, empty, stopped at the end whatever happens."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from application import Application


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """A folder with a config.yaml, and its local cloud, running."""
    made = Application.make(tmp_path_factory.mktemp("application"))
    try:
        made.run("local", "start")
        yield made
    finally:
        made.run("local", "stop")


@pytest.fixture(scope="module")
def deployed(application: Application) -> Application:
    """The application, up."""
    application.local("up", "--yes")
    return application
