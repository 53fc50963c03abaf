"""A repository of a registry: its manifests and blobs, read and written.

Distribution Specification of the Open Container Initiative; for tokens, Docker's "Token
Authentication Specification". Amazon ECR User Guide, "Private registry authentication": ECR takes a
user and a password, without tokens.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import IO
from urllib.parse import urlencode, urljoin, urlsplit

from urllib3.exceptions import HTTPError

from batchctl.image.failures import MAY_PUSH, TagTaken
from batchctl.image.oci.descriptors import INDEXES, MANIFESTS, OCI_MANIFEST, Descriptor, digest_of
from batchctl.image.oci.names import DOCKER_HUB
from batchctl.image.oci.transport import (
    TRIES,
    Body,
    RegistryError,
    Request,
    Response,
    Transport,
    scheme_of,
    unreachable,
)

MAX_MANIFEST_BYTES = 4 * 1024 * 1024
"""Distribution Specification: a registry takes manifests of 4 MB at least."""

CHUNK_BYTES = 1024 * 1024
MAX_REDIRECTS = 5
_ACCEPT = ", ".join((*MANIFESTS, *INDEXES))
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')
_REDIRECTS = (301, 302, 303, 307, 308)


class NotFoundError(RegistryError):
    """The registry has no such manifest or blob."""


@dataclass
class Repository:
    """A repository. `password` asks for a good one of the user `AWS`; None: nobody in particular.

    Not for several threads before its first answer: that settles how to be let in.
    """

    host: str
    name: str
    transport: Transport
    password: Callable[[], str] | None = None
    scope: str = "pull"
    _authorization: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        """Return its name as people write it."""
        return f"{'docker.io' if self.host == DOCKER_HUB else self.host}/{self.name}"

    def manifest(self, reference: str) -> tuple[bytes, str]:
        """Return the bytes of a manifest or an index, and its media type; NotFoundError."""
        headers = {"Accept": _ACCEPT}
        answer = self._send("GET", f"manifests/{reference}", headers=headers)
        self._require(answer, (200,), f"read the image `{self}`, `{reference}`")
        content = answer.data
        if len(content) > MAX_MANIFEST_BYTES:
            raise RegistryError(f"could not read the image `{self}`: its manifest is too large")
        if reference.startswith("sha256:") and digest_of(content) != reference:
            raise corrupt(f"the manifest `{reference}` of `{self}`")
        return content, answer.headers.get("Content-Type", OCI_MANIFEST).partition(";")[0]

    def digest_of_tag(self, tag: str) -> str:
        """Return which image a tag names now; NotFoundError."""
        answer = self._send("HEAD", f"manifests/{tag}", headers={"Accept": _ACCEPT})
        self._require(answer, (200,), f"find the image `{self}:{tag}`")
        digest = answer.headers.get("Docker-Content-Digest", "")
        return digest or digest_of(self.manifest(tag)[0])

    def put_manifest(self, tag: str, content: bytes, media_type: str = OCI_MANIFEST) -> str:
        """Write a manifest under a tag and return its digest; TagTaken when it has another."""
        headers = {"Content-Type": media_type}
        answer = self._send("PUT", f"manifests/{tag}", headers=headers, body=lambda: content)
        if answer.status >= 400 and _says(answer, "IMMUTABLE", "TAG_ALREADY_EXISTS", "immutable"):
            raise TagTaken(f"could not push `{self}:{tag}`: the tag names another image")
        self._require(answer, (200, 201), f"push the image `{self}:{tag}`")
        return digest_of(content)

    def has(self, digest: str) -> bool:
        """Whether the repository has a blob."""
        answer = self._send("HEAD", f"blobs/{digest}")
        if answer.status == 404:
            return False
        self._require(answer, (200, 307), f"look for a layer in `{self}`")
        return True

    def open_blob(self, digest: str, offset: int = 0) -> tuple[Response, bool]:
        """Begin to read a blob; also return whether it begins at `offset`, else at its start."""
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        request = Request("GET", self._url(f"blobs/{digest}"), headers, stream=True)
        answer = self._send_allowed(request)
        for _ in range(MAX_REDIRECTS):
            if answer.status not in _REDIRECTS:
                break
            # Where it lies is another's: what lets us in here is not for them.
            target = urljoin(request.url, answer.headers["Location"])
            answer.drain_conn()
            request = replace(request, url=target)
            answer = self.transport.send(request)
        self._require(answer, (200, 206), f"read a layer of `{self}`")
        return answer, answer.status == 206

    def blob(self, digest: str) -> bytes:
        """Return a small blob, a configuration; RegistryError when it isn't what it is called."""
        for tried in range(TRIES):
            try:
                answer, _ = self.open_blob(digest)
                content = bytes(answer.read(MAX_MANIFEST_BYTES + 1))
                answer.release_conn()
                break
            except HTTPError as error:  # it was cut
                if tried == TRIES - 1:
                    raise unreachable(self._url(""), error) from error
                self.transport.sleep(min(8.0, 2.0**tried / 2))
        if digest_of(content) != digest:
            raise corrupt(f"`{digest}` of `{self}`")
        return content

    def upload(self, descriptor: Descriptor, source: IO[bytes]) -> None:
        """Write a blob, going on after a cut where the registry says it has come to."""
        what = f"push a layer to `{self}`"
        location = self._begin_upload(what)
        sent = 0
        for is_last in (False, False, True):
            try:
                location = self._send_from(location, descriptor, source, sent)
                break
            except RegistryError:
                if is_last:
                    raise
                location, sent = self._resumed(location, what)
        self._finish_upload(location, descriptor.digest, what)

    def _begin_upload(self, what: str) -> str:
        answer = self._send("POST", "blobs/uploads/", headers={"Content-Length": "0"})
        self._require(answer, (202,), what)
        return self._location(answer)

    def _send_from(
        self,
        location: str,
        descriptor: Descriptor,
        source: IO[bytes],
        start: int,
    ) -> str:
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(descriptor.size - start),
        }
        if start:
            headers["Content-Range"] = f"{start}-{descriptor.size - 1}"

        def body() -> Iterator[bytes]:
            source.seek(start)
            while chunk := source.read(CHUNK_BYTES):
                yield chunk

        answer = self._send_allowed(Request("PATCH", location, headers, body, repeatable=False))
        self._require(answer, (202,), f"push a layer to `{self}`")
        return self._location(answer)

    def _resumed(self, location: str, what: str) -> tuple[str, int]:
        """Ask how far an upload has come; begin another where the registry has forgotten it."""
        answer = self._send("GET", location)
        if answer.status != 204:
            return self._begin_upload(what), 0
        reached = re.fullmatch(r"(?:bytes=)?0-(\d+)", answer.headers.get("Range", ""))
        # `0-0` is also said of an upload that has nothing.
        come = int(reached[1]) + 1 if reached and reached[1] != "0" else 0
        return self._location(answer), come

    def _finish_upload(self, location: str, digest: str, what: str) -> None:
        separator = "&" if urlsplit(location).query else "?"
        url = f"{location}{separator}{urlencode({'digest': digest})}"
        answer = self._send("PUT", url, headers={"Content-Length": "0"})
        self._require(answer, (201, 204), what)

    def _location(self, answer: Response) -> str:
        return urljoin(self._url(""), answer.headers.get("Location", ""))

    def _send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: Callable[[], Body] | None = None,
    ) -> Response:
        """Send a request that may be repeated and whose answer is small."""
        request = Request(method, self._url(path), headers or {})
        return self._send_allowed(request if body is None else replace(request, body=body))

    def _send_allowed(self, request: Request) -> Response:
        """Send a request, once more with the right to it where the registry asks who that is."""
        for is_last in (False, True):
            answer = self.transport.send(request.allowed(self._authorized(request.url)))
            if answer.status != 401 or is_last:
                return answer
            answer.drain_conn()
            self._authorization = self._let_in(answer.headers.get("WWW-Authenticate", ""))
        raise AssertionError  # the second answer is returned

    def _authorized(self, url: str) -> Mapping[str, str]:
        if urlsplit(url).netloc != self.host:
            return {}
        if self._authorization is None and self.password is not None:
            self._authorization = self._basic()
        return {"Authorization": self._authorization} if self._authorization else {}

    def _let_in(self, challenge: str) -> str | None:
        scheme, _, parameters = challenge.partition(" ")
        if scheme.lower() != "bearer":
            return self._basic() if self.password is not None else None
        named = dict(_PARAMETER.findall(parameters))
        realm = named.get("realm", "")
        if urlsplit(realm).scheme != scheme_of(self.host) and urlsplit(realm).scheme != "https":
            raise RegistryError(f"could not log in to `{self.host}`: its realm `{realm}` isn't one")
        asked = {"service": named.get("service", self.host)}
        scope = named.get("scope") or f"repository:{self.name}:{self.scope}"
        query = urlencode({**asked, "scope": scope})
        answer = self.transport.send(Request("GET", f"{realm}?{query}"))
        self._require(answer, (200,), f"log in to `{self.host}`")
        token = json.loads(answer.data)
        return f"Bearer {token.get('token') or token['access_token']}"

    def _basic(self) -> str | None:
        if self.password is None:
            return None
        user = base64.b64encode(f"AWS:{self.password()}".encode()).decode()
        return f"Basic {user}"

    def _url(self, path: str) -> str:
        if "://" in path:
            return path
        return f"{scheme_of(self.host)}://{self.host}/v2/{self.name}/{path}"

    def _require(self, answer: Response, wanted: Sequence[int], what: str) -> None:
        if answer.status in wanted:
            return
        said = _errors(answer)
        message = f"could not {what}: {answer.status} {said}".rstrip()
        if answer.status == 404:
            raise NotFoundError(message, _NOT_FOUND, 404)
        raise RegistryError(message, self._hint(answer.status, said), answer.status)

    def _hint(self, status: int, said: str) -> str | None:
        if status in (401, 403):
            return MAY_PUSH if self.password is not None else _MAY_PULL
        if status == 429:
            return "the registry is asked too often: wait, or name another base image"
        if "quota" in said.lower() or "limit" in said.lower():
            return "raise the quota, or delete images that nobody needs"
        return None


_NOT_FOUND = "check the name: `compute.base_image` in config.yaml names the base image"
_MAY_PULL = (
    "the registry wants a login, or has no such image: name a public base image "
    "(`compute.base_image`), or build with docker, podman or finch (`compute.builder`)"
)


def corrupt(what: str) -> RegistryError:
    """Return the error for bytes that aren't what they are called."""
    return RegistryError(
        f"could not use {what}: its checksum is another",
        "something on the way changes what it transfers (a proxy, a disk): run the command again",
    )


def _errors(answer: Response) -> str:
    """Return what a registry says of its refusal, bounded."""
    try:
        found = json.loads(answer.data[:10_000])["errors"]
        texts = [f"{each.get('code', '')}: {each.get('message', '')}".strip(": ") for each in found]
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
    return "; ".join(texts)[:500]


def _says(answer: Response, *texts: str) -> bool:
    said = _errors(answer).lower()
    return any(each.lower() in said for each in texts)
