"""What JobTracker's tags say of the whole application, for those who have no state of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from batchctl.aws.tags import DOOR_TAG, PROTECTED_TAG, VERSION_TAG


@dataclass(frozen=True)
class Application:
    """What the function that changes jobs says of the whole application.

    `version` is batchctl's, `door` the front door's mode and authentication.
    """

    version: str
    door: str
    protected: bool = False

    @property
    def tags(self) -> dict[str, str]:
        """The tags that say it."""
        protected = str(self.protected).lower()
        return {VERSION_TAG: self.version, DOOR_TAG: self.door, PROTECTED_TAG: protected}

    @classmethod
    def of(cls, tags: Mapping[str, str]) -> Application | None:
        """Return what a function's tags say; None where an older version made it."""
        if VERSION_TAG not in tags:
            return None
        protected = tags.get(PROTECTED_TAG) == "true"
        return cls(tags[VERSION_TAG], tags.get(DOOR_TAG, ""), protected)
