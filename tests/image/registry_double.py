"""A registry of the tests' own: the Distribution Specification, with a login or not, and faults.

It is as strict as registries are: a blob must be what its digest says, a manifest names blobs that
are there, a tag is not moved.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


def digest(content: bytes) -> str:
    """Return the digest of some bytes."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


@dataclass
class RegistryDouble:
    """What it holds, what it was asked, and what it does wrong.

    `faults` meet the next request whose `METHOD PATH` matches the pattern, once each: a number is
    a status, "cut" an answer (or an upload) that ends half way, "corrupt" other bytes. Each answer
    waits for `delay_s`, as those of a registry far away do.
    """

    password: str | None = None
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    uploads: dict[str, bytes] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    faults: list[tuple[str, int | str]] = field(default_factory=list)
    port: int = 0
    delay_s: float = 0.0

    @property
    def host(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.port}"

    def add_image(
        self, name: str, layers: list[bytes], configuration: dict[str, Any], tag: str = "latest"
    ) -> str:
        """Put an image of one platform there; return the digest of its manifest."""
        config = json.dumps(configuration).encode()
        for blob in (config, *layers):
            self.blobs[digest(blob)] = blob
        manifest = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
            "config": _descriptor("application/vnd.docker.container.image.v1+json", config),
            "layers": [
                _descriptor("application/vnd.docker.image.rootfs.diff.tar.gzip", each)
                for each in layers
            ],
        }
        return self.put(name, tag, json.dumps(manifest).encode(), str(manifest["mediaType"]))

    def add_index(self, name: str, manifests: dict[str, str], tag: str) -> str:
        """Put an index there: digests of manifests by platform (`linux/arm64`)."""
        entries = []
        for platform, found in manifests.items():
            system, _, architecture = platform.partition("/")
            content, media_type = self.manifests[f"{name}@{found}"]
            entries.append(
                {
                    "mediaType": media_type,
                    "digest": found,
                    "size": len(content),
                    "platform": {"os": system, "architecture": architecture},
                }
            )
        media_type = "application/vnd.oci.image.index.v1+json"
        index = {"schemaVersion": 2, "mediaType": media_type, "manifests": entries}
        return self.put(name, tag, json.dumps(index).encode(), media_type)

    def put(self, name: str, tag: str, content: bytes, media_type: str) -> str:
        """Keep a manifest under its tag and its digest."""
        found = digest(content)
        self.manifests[f"{name}:{tag}"] = self.manifests[f"{name}@{found}"] = (content, media_type)
        return found

    def fault(self, request: str) -> int | str | None:
        """Take the fault that a request meets, if any."""
        for at, (pattern, fault) in enumerate(self.faults):
            if re.search(pattern, request):
                del self.faults[at]
                return fault
        return None

    def count(self, pattern: str) -> int:
        """Return how many requests matched."""
        return sum(re.search(pattern, each) is not None for each in self.requests)


def _descriptor(media_type: str, content: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest(content), "size": len(content)}


@contextlib.contextmanager
def serving(registry: RegistryDouble) -> Iterator[RegistryDouble]:
    """Serve a registry on a port of this machine until the block ends."""
    handler = type("Handler", (_Handler,), {"registry": registry})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    registry.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    registry: RegistryDouble
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._handle()

    do_HEAD = do_GET  # noqa: N815 - http.server's names
    do_POST = do_GET  # noqa: N815 - as above
    do_PUT = do_GET  # noqa: N815 - as above
    do_PATCH = do_GET  # noqa: N815 - as above

    def _handle(self) -> None:
        time.sleep(self.registry.delay_s)
        self.registry.requests.append(f"{self.command} {self.path}")
        path = urlsplit(self.path).path
        if path != "/token" and not self._is_let_in():
            self._discard()
            self._challenge()
            return
        fault = self.registry.fault(f"{self.command} {self.path}")
        if isinstance(fault, int):
            self._discard()
            self._answer(fault, b'{"errors": [{"code": "FAULT", "message": "as asked"}]}')
        elif path == "/v2/":
            self._answer(200)
        elif path == "/token":
            self._answer(200, json.dumps({"token": "anonymous"}).encode())
        elif "/blobs/uploads/" in path:
            self._upload(path, fault)
        elif found := re.fullmatch(r"/v2/(.+)/(manifests|blobs)/([^/]+)", path):
            name, kind, reference = found.groups()
            self._object((name, kind, reference), fault)
        else:
            self._answer(404)

    def _is_let_in(self) -> bool:
        given = self.headers.get("Authorization", "")
        if self.registry.password is None:
            return given == "Bearer anonymous"
        user = base64.b64encode(f"AWS:{self.registry.password}".encode()).decode()
        return given == f"Basic {user}"

    def _challenge(self) -> None:
        realm = f'Bearer realm="http://{self.registry.host}/token",service="double"'
        challenge = realm if self.registry.password is None else 'Basic realm="double"'
        self._answer(
            401, b'{"errors": [{"code": "UNAUTHORIZED"}]}', {"WWW-Authenticate": challenge}
        )

    def _object(self, named: tuple[str, str, str], fault: str | None) -> None:
        name, kind, reference = named
        if kind == "manifests":
            self._manifest(name, reference)
            return
        content = self.registry.blobs.get(reference)
        if content is None:
            self._answer(404, b'{"errors": [{"code": "BLOB_UNKNOWN", "message": "no such blob"}]}')
            return
        if fault == "corrupt":
            content = bytes([content[0] ^ 1]) + content[1:]
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if asked:
            start = int(asked[1])
            content, status = content[start:], 206
        else:
            status = 200
        self._answer(status, content, cut=fault == "cut")

    def _manifest(self, name: str, reference: str) -> None:
        separator = "@" if reference.startswith("sha256:") else ":"
        key = f"{name}{separator}{reference}"
        if self.command == "PUT":
            self._put_manifest(name, reference)
            return
        if key not in self.registry.manifests:
            self._answer(404, b'{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "none"}]}')
            return
        content, media_type = self.registry.manifests[key]
        self._answer(
            200, content, {"Content-Type": media_type, "Docker-Content-Digest": digest(content)}
        )

    def _put_manifest(self, name: str, tag: str) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        found = json.loads(content)
        named = [found["config"], *found["layers"]]
        if any(each["digest"] not in self.registry.blobs for each in named):
            self._answer(
                400, b'{"errors": [{"code": "BLOB_UNKNOWN", "message": "a layer is missing"}]}'
            )
            return
        before = self.registry.manifests.get(f"{name}:{tag}")
        if before is not None and before[0] != content:
            text = b'{"errors": [{"code": "TAG_INVALID", "message": "the tag is immutable"}]}'
            self._answer(400, text)
            return
        self.registry.put(name, tag, content, self.headers["Content-Type"])
        self._answer(201, headers={"Docker-Content-Digest": digest(content)})

    def _upload(self, path: str, fault: str | None) -> None:
        name = path.rpartition("/")[2]
        if self.command == "POST":
            name = f"upload-{len(self.registry.uploads)}"
            self.registry.uploads[name] = b""
            self._answer(202, headers={"Location": path + name})
        elif self.command == "GET":
            have = len(self.registry.uploads[name])
            self._answer(204, headers={"Location": path, "Range": f"0-{max(0, have - 1)}"})
        elif self.command == "PATCH":
            self._patch(path, name, fault)
        else:
            self._finish(name)

    def _patch(self, path: str, name: str, fault: str | None) -> None:
        have = self.registry.uploads[name]
        asked = re.fullmatch(r"(\d+)-(\d+)", self.headers.get("Content-Range", "0-0"))
        assert asked is not None
        if int(asked[1]) != len(have):
            self._discard()
            self._answer(416)
            return
        if fault == "cut":
            size = int(self.headers["Content-Length"])
            self.registry.uploads[name] = have + self.rfile.read(size // 2)
            self.close_connection = True
            return
        self.registry.uploads[name] = have + self._body()
        self._answer(202, headers={"Location": path})

    def _finish(self, name: str) -> None:
        wanted = parse_qs(urlsplit(self.path).query)["digest"][0]
        content = self.registry.uploads[name]
        if digest(content) != wanted:
            self._answer(400, b'{"errors": [{"code": "DIGEST_INVALID", "message": "not that"}]}')
            return
        self.registry.blobs[wanted] = content
        self._answer(201)

    def _body(self) -> bytes:
        """Read what comes, in chunks (RFC 9112, section 7.1) as docker and podman send it, too."""
        if self.headers.get("Transfer-Encoding", "") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        content = bytearray()
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            content += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return bytes(content)

    def _discard(self) -> None:
        self._body()

    def _answer(
        self,
        status: int,
        content: bytes = b"",
        headers: dict[str, str] | None = None,
        *,
        cut: bool = False,
    ) -> None:
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content[: len(content) // 2] if cut else content)
        if cut:
            self.close_connection = True
