r"""Lines that a build service takes for commands to itself, made harmless where one reads them.

GitHub Actions and Azure Pipelines read all that a step prints, and obey a line that sets an output
or a variable, hides a text, or names a program to put before the others. Items, results and log
lines are other people's texts, so that none of them may be such a line. What is escaped is shown as
in `visible`: `\x3a:set-output`, `#\x23vso[`.

Sources: GitHub Actions documentation, "Workflow commands for GitHub Actions" (`::` at the start of
a line, and the older `##[` anywhere); Azure Pipelines documentation, "Logging commands" (`##vso[`
and `##[` anywhere); TeamCity documentation, "Service Messages" (`##teamcity[`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_SERVICES = ("GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION")
"""What GitHub (and Gitea), Azure and TeamCity set in a build's environment."""

_AT_START = re.compile(r"^(\s*):(?=:)", re.MULTILINE)
_ANYWHERE = re.compile(r"#(?=(?:vso|teamcity)?\[)", re.IGNORECASE)


def reads_commands(environment: Mapping[str, str]) -> bool:
    """Whether a build service reads what is printed."""
    return any(environment.get(name) for name in _SERVICES)


def without_commands(text: str) -> str:
    """Return the text with nothing in it that a build service would obey."""
    return _ANYWHERE.sub(r"\\x23", _AT_START.sub(r"\1\\x3a", text))


def without_commands_in_json(document: str) -> str:
    """Return the same JSON; only within its strings can anything be found."""
    return _ANYWHERE.sub(r"\\u0023", document)
