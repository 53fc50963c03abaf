"""batchctl: run a function over a long list of items on AWS Batch, with nothing to operate.

    import batchctl

    app = batchctl.open(local=True)
    for item, result in app.map(["AAPL", "MSFT"], parameters={"paths": 20000}):
        print(item, result)

Names are loaded when they are first used: this file is also in the functions and in the image,
which have nothing else of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from batchctl.application.app import App, Deployment, RunFailed
    from batchctl.application.app import map_items as map  # noqa: A004 - `batchctl.map`
    from batchctl.application.app import open_app as open  # noqa: A004 - `batchctl.open`
    from batchctl.application.function import Function
    from batchctl.application.job_handle import ItemFailed, JobHandle, NoResult, Results
    from batchctl.errors import BatchctlError, NeedsAgreement

__all__ = [
    "App",
    "BatchctlError",
    "Deployment",
    "Function",
    "ItemFailed",
    "JobHandle",
    "NeedsAgreement",
    "NoResult",
    "Results",
    "RunFailed",
    "map",
    "open",
]

if not TYPE_CHECKING:  # mypy would take every name for one that is there
    _MODULES = {
        "App": "application.app",
        "BatchctlError": "errors",
        "Deployment": "application.app",
        "Function": "application.function",
        "ItemFailed": "application.job_handle",
        "JobHandle": "application.job_handle",
        "NeedsAgreement": "errors",
        "NoResult": "application.job_handle",
        "Results": "application.job_handle",
        "RunFailed": "application.app",
        "map": "application.app:map_items",
        "open": "application.app:open_app",
    }

    def __getattr__(name: str) -> Any:
        from batchctl.lazy_names import load_name  # noqa: PLC0415 - the functions never come here

        return load_name(__name__, _MODULES, name)
