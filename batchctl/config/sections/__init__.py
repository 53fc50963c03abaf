"""The sections of config.yaml: THE place where names, defaults and descriptions of settings live.

The text under a field describes it: its first paragraph is the comment in config.yaml, all of it is
in docs/config.md and in the JSON Schema. `make docs` writes them and adds what the type says
(choices, bounds), so that no text repeats it. Links are relative to docs/config.md.

A value of null means the default, everywhere. Rules between settings are in `rules`.
"""

from batchctl.config.sections.account import Iam, Network
from batchctl.config.sections.api import Api
from batchctl.config.sections.compute import Compute
from batchctl.config.sections.jobs import HTTP_TIMEOUT_S, Functions, JobTable, Queue
from batchctl.config.sections.local import Local
from batchctl.config.sections.section import Section

__all__ = [
    "HTTP_TIMEOUT_S",
    "Api",
    "Compute",
    "Functions",
    "Iam",
    "JobTable",
    "Local",
    "Network",
    "Queue",
    "Section",
]
