"""The user's compute.py, and which of the modules beside it can't be imported.

compute.py is found by where it lies; what it imports is found by name, in its own folder last
(`import_path`). So a module beside it whose name another has is never imported, and the user learns
which one that is.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import module_from_spec
from types import ModuleType

MODULE = "compute"
PACKAGES = {
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "PIL": "pillow",
    "sklearn": "scikit-learn",
    "yaml": "PyYAML",
}
"""Packages that aren't called as the module in them is."""


class BrokenComputeError(Exception):
    """There is no compute.py, or its functions can't be called as the runner calls them."""


def load_compute(folder: str) -> ModuleType:
    """Return the module that the compute.py in `folder` is.

    Raises BrokenComputeError where there is none, and whatever compute.py raises.
    """
    # Known by its name, so that the processes of `multiprocessing` find its functions.
    spec = PathFinder.find_spec(MODULE, [folder])
    if spec is None or spec.loader is None:
        raise BrokenComputeError(f"could not import compute.py: `{folder}` has none")
    module = sys.modules[MODULE] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def hidden_modules(folder: str) -> Mapping[str, str]:
    """Return the modules in `folder` that can't be imported, by name, each with the reason."""
    others = [each for each in sys.path if each != folder]
    files = {file.removesuffix(".py"): file for file in _modules(folder)}
    return {name: _reason(name, file) for name, file in files.items() if _finds(name, others)}


def explanation(error: BaseException, hidden: Mapping[str, str]) -> str:
    """Return `; ` and why, where `error` came of importing a module that isn't the user's or there.

    A module that is not installed is one to add to the packages of compute.py.
    """
    name: object = None
    if isinstance(error, AttributeError):
        name = getattr(error.obj, "__name__", None) if isinstance(error.obj, ModuleType) else None
    elif isinstance(error, ImportError):
        name = (error.name or "").partition(".")[0]
    if isinstance(name, str) and name in hidden:
        return f"; {hidden[name]}"
    return _missing(error) if isinstance(error, ModuleNotFoundError) else ""


def _missing(error: ModuleNotFoundError) -> str:
    name = (error.name or "").partition(".")[0]
    if not name or name in sys.modules or name in sys.stdlib_module_names:
        return ""
    package = PACKAGES.get(name, name)
    return f"; add `{package}` to requirements.txt beside compute.py, then run `batchctl up`"


def _modules(folder: str) -> list[str]:
    """Return the files and packages that `import` would find in a folder but compute.py."""
    with os.scandir(folder) as entries:
        names = [
            entry.name
            for entry in entries
            if entry.name.endswith(".py") or os.path.isfile(os.path.join(entry.path, "__init__.py"))  # noqa: PTH113, PTH118
        ]
    return sorted(set(names) - {f"{MODULE}.py", MODULE})


def _finds(name: str, path: list[str]) -> bool:
    """Return whether `import name` finds a module on `path`, or one that is built into Python."""
    if name in sys.builtin_module_names:
        return True
    spec: ModuleSpec | None = PathFinder.find_spec(name, path)
    return spec is not None and spec.origin is not None  # a folder without __init__.py yields


def _reason(name: str, file: str) -> str:
    whose = "Python itself" if name in sys.stdlib_module_names else "an installed package"
    return f"`import {name}` finds a module of {whose}, not `{file}` beside compute.py: rename it"
