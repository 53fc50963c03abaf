"""How a command about jobs reaches them: the one place that makes its JobsClient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchctl.cli.options import current_options

if TYPE_CHECKING:
    from batchctl.cli.application import Application
    from batchctl.jobs import JobsClient


def open_jobs() -> tuple[Application, JobsClient]:
    """Return the application of the running command and the client of its jobs."""
    import urllib3

    from batchctl.cli.application import open_application
    from batchctl.jobs import JobsClient

    application = open_application(current_options())
    # What runs on this machine is reached without the proxy that the environment may name.
    http = urllib3.PoolManager() if application.options.local else None
    return application, JobsClient(application.endpoint(), http=http)
