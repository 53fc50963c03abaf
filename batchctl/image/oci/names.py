"""Names of images as people write them: `python:3.13-slim`, `HOST/REPOSITORY@sha256:…`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from batchctl.errors import BatchctlError

DOCKER_HUB = "registry-1.docker.io"
_HUB_ALIASES = ("docker.io", "index.docker.io")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(f"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True)
class ImageName:
    """An image in a registry: `reference` is a digest or a tag."""

    host: str
    repository: str
    reference: str

    def __str__(self) -> str:
        """Return the name in full."""
        separator = "@" if self.is_pinned else ":"
        return f"{self.host}/{self.repository}{separator}{self.reference}"

    @property
    def is_pinned(self) -> bool:
        """Whether it names one image for ever, by its digest."""
        return _DIGEST.fullmatch(self.reference) is not None


def parse(text: str) -> ImageName:
    """Read a name as docker does; BatchctlError for what isn't one.

    Without a host it is Docker Hub's, without a `/` one of its official images, without a tag
    `latest` (Docker documentation, `docker image tag`).
    """
    name, at, digest = text.partition("@")
    host, repository = _host_and_rest(name)
    repository, colon, tag = repository.partition(":")
    reference = digest if at else tag if colon else "latest"
    if host == DOCKER_HUB and "/" not in repository:
        repository = f"library/{repository}"
    is_valid = _DIGEST.fullmatch(digest) if at else _TAG.fullmatch(reference)
    if not is_valid or not _REPOSITORY.fullmatch(repository):
        raise BatchctlError(
            f"could not read the image's name `{text}`",
            hint="write it as HOST/REPOSITORY:TAG or HOST/REPOSITORY@sha256:DIGEST",
        )
    return ImageName(host, repository, reference)


def _host_and_rest(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    is_host = slash and ("." in first or ":" in first or first == "localhost")
    host, repository = (first, rest) if is_host else (DOCKER_HUB, name)
    return (DOCKER_HUB if host in _HUB_ALIASES else host), repository
