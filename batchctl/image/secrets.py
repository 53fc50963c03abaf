"""What stays out of every image, whatever an ignore file says, and what in it looks like a secret.

An image is read by whoever may pull it, for as long as it is kept. So credentials that people have
lying about in a project stay out of it by their names, and whatever else looks like a secret, by
its name or by what it holds, is named in the plan. What a file holds is never shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Final

# Tools' own files: nobody misses them in an image, and they differ from one machine to the next.
_CLUTTER: Final = (
    *(".git", ".hg", ".svn", ".batchctl", ".batchctl-runner", ".venv", "__pycache__"),
    *(".mypy_cache", ".pytest_cache", ".ruff_cache", ".tox", ".nox", ".ipynb_checkpoints"),
    # File managers', file systems' and editors': they differ from one machine to the next, and some
    # come and go while a plan is carried out.
    *(".ds_store", "._*", ".spotlight-v100", ".trashes", ".fseventsd", ".appledouble"),
    *("thumbs.db", "desktop.ini", ".directory", ".nfs[0-9]*", ".fuse_hidden*"),
    *(".*.sw[a-p]", ".#*", ".idea", ".vscode"),
)
_SECRET_FOLDERS: Final = (".aws", ".ssh", ".gnupg", ".azure", ".kube")
_SECRET_FILES: Final = (
    *(".env", ".env.*", ".envrc", ".netrc", "_netrc", ".pgpass", ".git-credentials", ".htpasswd"),
    *(".env[-_]*", ".my.cnf", ".vault-token", ".passwd-s3fs", ".databrickscfg"),
    *(".terraformrc", "credentials.tfrc.json"),
    *(".npmrc", ".pypirc", ".dockercfg", ".dockerconfigjson", ".boto", ".s3cfg"),
    *("*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.ppk", "*.kdbx"),
    *("credentials.json", "client_secret*.json", "application_default_credentials.json"),
    *("service-account*.json", "service_account*.json", "serviceaccount*.json"),
    *("*.tfstate", "*.tfstate.*"),
)
_SECRET_PATHS: Final = (".docker/config.json",)
# What editors and people call the copy of a file: `.env~`, `#.env#`, `.netrc.swp`, `a.pem.bak`.
_COPY: Final = re.compile(
    r"(?:\.?#)?(?P<name>.+?)(?:[~#]|\.(?:bak|backup|copy|old|orig|saved?|sw[a-p]|tmp))*"
)
# SSH's own names for keys with whatever is added to them, and any `id_NAME` without an extension,
# as people call theirs: `id_work`. `id_map.py`, `id_list.csv` and public keys are none.
_SSH_KEY: Final = re.compile(r"id_(rsa|dsa|ecdsa|ed25519|xmss)(_sk)?(?!.*\.pub$)([.-].*)?|id_[^.]+")

_SECRET_NAME: Final = re.compile(
    r"\.?(secrets?|passwords?|passwd|credentials?|access_?keys?|api_?keys?|tokens?)"
    r"(\.(txt|csv|json|ya?ml|toml|ini|cfg|conf|properties|xml|env))?"
    r"|.+\.(env|tfvars)|kubeconfig|(access_tokens|credentials)\.db|\.[a-z]+_history"
)
_HOLDS: Final[Mapping[str, re.Pattern[bytes]]] = {
    "a private key": re.compile(rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"),
    # An id alone is no secret (IAM user guide, "IAM identifiers": AKIA, and ASIA for a session).
    "an AWS access key": re.compile(
        rb"(?s)\b(?:AKIA|ASIA)[A-Z2-7]{16}\b.{1,300}?(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])"
    ),
    "an AWS secret key": re.compile(
        rb"(?i)aws_?(?:secret_?access_?key|session_?token)[\"']?\s*[:=]\s*[\"']?[A-Za-z0-9/+]{40}"
    ),
    "a password in an address": re.compile(
        rb"\b[a-z][a-z0-9+]{2,20}://[^\s/:@{}$<>]+:[^\s/:@{}$<>]{6,}@"
    ),
    "a GitHub token": re.compile(rb"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60})"),
}
# Secrets are in small files; large ones are data, and reading them again takes time.
_SCANNED_BYTES: Final = 256 * 1024


def is_clutter(name: str) -> bool:
    """Whether a path of the context (`a/b`) ends in the name of what no image needs."""
    return _is_any(_last(name), _CLUTTER)


def is_virtual_environment(folder: Path) -> bool:
    """Whether a folder is one of Python's environments, whatever its name: this machine's alone.

    It is known by the file that makes it one (Python documentation, `venv`).
    """
    return (folder / "pyvenv.cfg").is_file()


def is_secret(name: str, *, folder: bool) -> bool:
    """Whether a path of the context ends in a name that files, or folders, of secrets have."""
    last = _last(name)
    if folder:
        return _is_any(last, _SECRET_FOLDERS)
    path = PurePosixPath(name.lower())
    return _SSH_KEY.fullmatch(last) is not None or any(
        _is_any(each, (*_SECRET_FOLDERS, *_SECRET_FILES))
        or any(path.with_name(each).match(known) for known in _SECRET_PATHS)
        for each in {last, *_copied(last)}
    )


def suspicions(files: Iterable[tuple[str, Path]]) -> Mapping[str, str]:
    """Return what looks like a secret, by name, each with why: its name, or what it holds."""
    found = ((name, _suspicion(name, path)) for name, path in files)
    return {name: why for name, why in found if why}


def _suspicion(name: str, path: Path) -> str | None:
    if _SECRET_NAME.fullmatch(_last(name)):
        return "its name"
    if path.is_symlink():
        return None
    with path.open("rb") as file:
        start = file.read(_SCANNED_BYTES)
    return next((what for what, pattern in _HOLDS.items() if pattern.search(start)), None)


def _copied(last: str) -> set[str]:
    """Return what a file may be a copy of, by its name: vim hides the copy of a file by a dot."""
    found = _COPY.fullmatch(last)
    name = last if found is None else found["name"]
    return set() if name == last else {name, name.removeprefix(".")}


def _last(name: str) -> str:
    return PurePosixPath(name).name.lower()


def _is_any(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
