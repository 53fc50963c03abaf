"""config.yaml -> Config: defaults, validation that names key and line, JSON Schema for editors."""

from batchctl.config.loading import json_schema, key_paths, load, load_with_flags
from batchctl.config.settings import (
    HTTP_TIMEOUT_S,
    Api,
    Compute,
    Config,
    Functions,
    JobTable,
    Local,
    Network,
    Queue,
)

__all__ = [
    "HTTP_TIMEOUT_S",
    "Api",
    "Compute",
    "Config",
    "Functions",
    "JobTable",
    "Local",
    "Network",
    "Queue",
    "json_schema",
    "key_paths",
    "load",
    "load_with_flags",
]
