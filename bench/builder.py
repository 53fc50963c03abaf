"""A podman that builds nothing: what is pushed appears in moto's registry by its name alone.

Run by a script called `podman`, see `install`; AWS_ENDPOINT_URL is the gateway to moto.
"""

from __future__ import annotations

import os
import sys
import urllib.request
from pathlib import Path

SCRIPT = '#!/bin/sh\nexec "{python}" -IS "{program}" "$@"\n'
ANSWERS = {"--version": "podman version 5.0.0", "image": "linux/amd64"}
REGISTRY = "/registry/"


def install(folder: Path) -> str:
    """Put the script into `folder` and return the PATH on which it comes first."""
    script = folder / "podman"
    script.write_text(SCRIPT.format(python=sys.executable, program=__file__), encoding="utf-8")
    script.chmod(0o755)
    return os.pathsep.join((str(folder), os.environ["PATH"]))


def main() -> None:
    """Answer as podman does."""
    verb, last = sys.argv[1], sys.argv[-1]
    if verb == "push":
        repository = last.partition("/")[2]
        url = f"{os.environ['AWS_ENDPOINT_URL']}{REGISTRY}{repository.replace(':', '/')}"
        urllib.request.urlopen(urllib.request.Request(url, method="PUT"))  # noqa: S310 - loopback
    print(ANSWERS.get(verb, ""))


if __name__ == "__main__":
    main()
