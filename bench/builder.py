"""A podman that builds nothing: what is pushed appears in moto's registry by its name alone.

A script that answers at once; only for a push it runs this module, with AWS_ENDPOINT_URL being the
gateway to moto.
"""

from __future__ import annotations

import os
import sys
import urllib.request
from pathlib import Path

SCRIPT = """#!/bin/sh
case "$1" in
    --version) echo "podman version 5.0.0" ;;
    image) echo "linux/amd64" ;;
    push) exec "{python}" -IS "{program}" "$@" ;;
esac
"""
REGISTRY = "/registry/"


def install(folder: Path) -> str:
    """Put the script into `folder` and return the PATH on which it comes first."""
    script = folder / "podman"
    script.write_text(SCRIPT.format(python=sys.executable, program=__file__), encoding="utf-8")
    script.chmod(0o755)
    return os.pathsep.join((str(folder), os.environ["PATH"]))


def main() -> None:
    """Report what is pushed to the gateway: the last argument, `HOST/REPOSITORY:TAG`."""
    repository = sys.argv[-1].partition("/")[2]
    url = f"{os.environ['AWS_ENDPOINT_URL']}{REGISTRY}{repository.replace(':', '/')}"
    urllib.request.urlopen(urllib.request.Request(url, method="PUT"))  # noqa: S310 - loopback


if __name__ == "__main__":
    main()
