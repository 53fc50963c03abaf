"""config.yaml -> Config: defaults, validation that names key and line, JSON Schema for editors."""

from batchctl.config.loading import load, load_with_flags
from batchctl.config.schema import json_schema, key_paths
from batchctl.config.sections import (
    HTTP_TIMEOUT_S,
    Api,
    Compute,
    Functions,
    JobTable,
    Local,
    Network,
    Queue,
)
from batchctl.config.settings import Config

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
