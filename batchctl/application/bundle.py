"""What to send when asking for help, without what is private: runs, config.yaml, versions.

Scrubbed: secrets and what looks like one, values of the environment that are called secret,
accounts, e-mail addresses, IP addresses, names of users and machines, paths of home folders. What
an account is called stays the same within a bundle: `account-1`.
"""

from __future__ import annotations

import getpass
import io
import json
import os
import platform
import re
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

import boto3
import botocore

from batchctl import __version__
from batchctl.application.past_runs import past_runs
from batchctl.aws.secrets import MASK, SECRETS

if TYPE_CHECKING:
    from batchctl.application.application import Application

MOST_RUNS: Final = 10
_SECRET_NAME = re.compile(
    r"secret|token|password|passwd|api_?key|private|credential", re.IGNORECASE
)
_SECRET_SETTING = re.compile(
    r"(?im)^(\s*[\w.-]*(?:secret|token|password|passwd|api_?key|private_?key)[\w.-]*\s*[:=]\s*)\S.*$"
)
_KEY_ID = re.compile(r"\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}\b")
_SECRET_KEY = re.compile(r"(?<![A-Za-z0-9/+=_-])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=_-])")
_IN_URL = re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
_ADDRESS = re.compile(r"\b(?!127\.0\.0\.1\b)(?:\d{1,3}\.){3}\d{1,3}\b")
_ACCOUNT = re.compile(r"(?<![0-9A-Za-z])\d{12}(?![0-9A-Za-z])")
SHORTEST: Final = 4
"""Shorter names and values would be masked inside unrelated words."""


class Scrubber:
    """Takes out of texts what is private; `private` are further values that are."""

    def __init__(self, environment: Mapping[str, str], private: Mapping[str, str]) -> None:
        """Learn the values of the environment that are called secret."""
        self._accounts: dict[str, str] = {}
        values = {
            value: MASK
            for name, value in environment.items()
            if _SECRET_NAME.search(name) and len(value) >= SHORTEST
        }
        known = {
            **values,
            **{each: name for each, name in private.items() if len(each) >= SHORTEST},
        }
        self._known = dict(sorted(known.items(), key=lambda each: -len(each[0])))

    def scrubbed(self, text: str) -> str:
        """Return the text without it."""
        text = SECRETS.masked(text)
        for value, name in self._known.items():
            text = text.replace(value, name)
        text = _SECRET_SETTING.sub(rf"\1{MASK}", text)
        for pattern, name in (
            (_IN_URL, MASK),
            (_KEY_ID, "KEYID"),
            (_SECRET_KEY, MASK),
            (_EMAIL, "user@example"),
            (_ADDRESS, "IP"),
        ):
            text = pattern.sub(name, text)
        return _ACCOUNT.sub(self._account, text)

    def _account(self, found: re.Match[str]) -> str:
        return self._accounts.setdefault(found[0], f"account-{len(self._accounts) + 1}")


def write_bundle(application: Application, path: Path) -> tuple[str, ...]:
    """Write the bundle, a zip, where nothing is yet; return the names of what is in it.

    FileExistsError when there is something.
    """
    scrubber = Scrubber(
        os.environ,
        {
            str(Path.home()): "~",
            platform.node(): "machine",
            getpass.getuser(): "user",
        },
    )
    files = {name: scrubber.scrubbed(text) for name, text in _files(application).items()}
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    with path.open("xb") as file:
        file.write(content.getvalue())
    return tuple(files)


def _files(application: Application) -> dict[str, str]:
    state, config = application.recorded, application.target.config
    runs = list(past_runs(application.target.state_folder))[:MOST_RUNS]
    resources = {
        address: {"kind": record.kind, "dependencies": list(record.dependencies)}
        for address, record in (state.resources.items() if state else ())
    }
    found = {
        "versions.json": _as_text(_versions()),
        "resources.json": _as_text(resources),
        **{f"runs/{number}.json": _as_text(asdict(run)) for number, run in enumerate(runs, 1)},
    }
    if config.is_file():
        found["config.yaml"] = config.read_text(encoding="utf-8", errors="replace")
    return found


def _versions() -> dict[str, str]:
    return {
        "batchctl": __version__,
        "python": sys.version,
        "platform": platform.platform(),
        "boto3": boto3.__version__,
        "botocore": botocore.__version__,
    }


def _as_text(value: object) -> str:
    return json.dumps(value, indent=2)
