"""Public names of a package that are loaded when they are first used (PEP 562)."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any


def load_name(package: str, modules: Mapping[str, str], name: str) -> Any:
    """Return what a package calls `name`, by the table of its names.

    The table says where each is: the module below the package, and after a colon what it is called
    there if that differs. Raises AttributeError for every other name, as Python wants it.
    """
    if name not in modules:
        raise AttributeError(f"module `{package}` has no attribute `{name}`")
    module, _, called = modules[name].partition(":")
    return getattr(import_module(f"{package}.{module}"), called or name)
