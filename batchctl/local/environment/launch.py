"""Runs a module of batchctl in an environment that doesn't have it: this very copy of batchctl.

Run as `python -P launch.py MODULE [ARGUMENT …]`. batchctl is found by this file's own place, and no
search path leads there: the folder that batchctl is installed in may have another botocore.
"""

from __future__ import annotations

import importlib.util
import runpy
import sys
from pathlib import Path


def command(module: str, *arguments: str, python: str = sys.executable) -> list[str]:
    """Return the command line that runs one of batchctl's modules with the interpreter `python`."""
    # `-P`: a file in the user's folder must not stand in for a module of ours.
    return [python, "-P", __file__, module, *arguments]


def main() -> None:
    """Run the module that the first argument names, as `python -m` would."""
    _load_batchctl(Path(__file__).resolve().parents[2])
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _load_batchctl(folder: Path) -> None:
    spec = importlib.util.spec_from_file_location(
        "batchctl", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"could not load batchctl from `{folder}`")
    package = importlib.util.module_from_spec(spec)
    sys.modules["batchctl"] = package
    spec.loader.exec_module(package)


if __name__ == "__main__":
    main()
