"""Which application is meant: the configuration, and the account or local cloud it lives in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_FOLDER = ".batchctl"
_LOCAL = "local"


@dataclass(frozen=True)
class Target:
    """The application of a configuration file; `local` is in the local cloud of its folder.

    `profile` and `region` None: as AWS's own tools find them.
    """

    config: Path = Path("config.yaml")
    local: bool = False
    profile: str | None = None
    region: str | None = None

    @property
    def folder(self) -> Path:
        """The folder of the configuration file, to which its paths are relative."""
        return self.config.parent

    @property
    def state_folder(self) -> Path:
        """The folder of the states, beside the configuration file."""
        return self.local_folder if self.local else self.folder / _FOLDER

    @property
    def local_folder(self) -> Path:
        """The folder of the local cloud."""
        return self.folder / _FOLDER / _LOCAL
