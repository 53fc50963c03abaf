"""One built application for many tests, made anew after a test that didn't leave it as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import witness
from built import Application, account
from hypothesis import Phase, settings

from batchctl.config import Config

# The same examples on every machine; a failing one isn't shrunk, as that costs runs.
EXAMPLES = settings(
    derandomize=True, deadline=None, database=None, phases=(Phase.explicit, Phase.generate)
)
CONFIG = Config.model_validate({"tags": {"team": "quant"}})


@dataclass(repr=False)
class Shared:
    """The application of a module's tests, with what boto3 said of it when it was new."""

    folders: Iterator[Path]
    config: Config = CONFIG
    open: ExitStack = field(default_factory=ExitStack)
    application: Application | None = None
    as_built: dict[str, Any] = field(default_factory=dict)

    def settled(self) -> Application:
        """Return the application, built, with nothing to change."""
        if self.application is None:
            self.open.close()
            fresh = self.open.enter_context(account(next(self.folders)))
            built = fresh.with_config(self.config)
            built.up()
            self.as_built = witness.seen(built.client)
            self.application = built
        return self.application

    def forget(self) -> None:
        """Give the account up."""
        self.open.close()
        self.application = None
