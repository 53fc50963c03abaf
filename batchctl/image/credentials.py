"""A login that nobody else sees: the registry's password is kept in a folder of its own, and goes.

The user's own logins stay as they are, and no helper for credentials is asked, which may be locked,
missing, or (ECR's) refuse to store a password.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from batchctl.ending import undone_at_once

# Where Docker keeps logins, and the members of it that aren't ours (Docker CLI reference,
# "Configuration files"): it would store the password in a helper.
_LOGINS = ("auths", "credsStore", "credHelpers")


@contextmanager
def private_login(
    kind: str, found_in: Mapping[str, str] = os.environ
) -> Iterator[Mapping[str, str]]:
    """Give the variables with which an engine of the kind logs in; afterwards nothing is left.

    The environment `found_in` says where Docker's configuration is. Finch has a configuration of
    its own inside its virtual machine: there the login stays.
    """
    with TemporaryDirectory(prefix="batchctl-login-") as made, undone_at_once(_removal_of(made)):
        folder = Path(made)
        if kind == "podman":
            yield {"REGISTRY_AUTH_FILE": str(folder / "auth.json")}
        elif kind == "docker":
            _copy_docker_config(_docker_config(found_in), folder)
            yield {"DOCKER_CONFIG": str(folder)}
        else:
            yield {}


def _removal_of(folder: str) -> Callable[[], None]:
    return lambda: shutil.rmtree(folder, ignore_errors=True)


def _docker_config(environment: Mapping[str, str]) -> Path:
    """Return where Docker is set up; a user without a home has no settings, as Docker sees it."""
    named = environment.get("DOCKER_CONFIG")
    with suppress(RuntimeError):
        return Path(named) if named else Path.home() / ".docker"
    return Path(os.devnull)


def _copy_docker_config(source: Path, target: Path) -> None:
    """Link what Docker is set up with (contexts, plug-ins); copy its settings without logins."""
    for path in source.iterdir() if source.is_dir() else ():
        if path.name != "config.json":
            (target / path.name).symlink_to(path.resolve())
    settings = {k: v for k, v in _settings(source).items() if k not in _LOGINS}
    (target / "config.json").write_text(json.dumps(settings), encoding="utf-8")


def _settings(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
