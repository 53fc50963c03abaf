"""What names a blob by its contents, and the manifest, which names all blobs of an image.

Open Container Initiative, "Image Format Specification": content descriptors, image manifest. Docker
Registry, "Image Manifest V2, Schema 2": the same with other media types.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from batchctl.errors import BatchctlError

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEXES = (OCI_INDEX, DOCKER_INDEX)
MANIFESTS = (OCI_MANIFEST, DOCKER_MANIFEST)

_OCI_OF = {
    "application/vnd.docker.image.rootfs.diff.tar.gzip": OCI_LAYER,
    "application/vnd.docker.image.rootfs.diff.tar": "application/vnd.oci.image.layer.v1.tar",
}


@dataclass(frozen=True)
class Descriptor:
    """A blob by its digest, size in bytes and media type; `annotations` say what it is for."""

    digest: str
    size: int
    media_type: str
    annotations: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """Return it as a manifest has it."""
        found: dict[str, object] = {
            "mediaType": self.media_type,
            "digest": self.digest,
            "size": self.size,
        }
        return found | ({"annotations": dict(self.annotations)} if self.annotations else {})

    def as_oci(self) -> Descriptor:
        """Return it with the media type of OCI: one manifest doesn't mix two vocabularies."""
        media_type = _OCI_OF.get(self.media_type, self.media_type)
        return Descriptor(self.digest, self.size, media_type, self.annotations)

    @classmethod
    def parse(cls, entry: Mapping[str, Any]) -> Descriptor:
        """Read what `as_json` wrote, or what another registry has; KeyError when it is none."""
        annotations = entry.get("annotations") or {}
        return cls(entry["digest"], int(entry["size"]), entry["mediaType"], dict(annotations))


@dataclass(frozen=True)
class Manifest:
    """An image: its configuration, and its layers from the lowest one on."""

    config: Descriptor
    layers: tuple[Descriptor, ...]
    annotations: Mapping[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        """Return its bytes, always the same; what names them is their digest."""
        return encoded(
            {
                "schemaVersion": 2,
                "mediaType": OCI_MANIFEST,
                "config": self.config.as_json(),
                "layers": [each.as_json() for each in self.layers],
                "annotations": dict(self.annotations),
            }
        )

    @classmethod
    def parse(cls, content: bytes, what: str) -> Manifest:
        """Read a manifest; BatchctlError when it isn't one (an attestation, say)."""
        try:
            found = json.loads(content)
            layers = tuple(Descriptor.parse(each) for each in found["layers"])
            config = Descriptor.parse(found["config"])
        except (ValueError, KeyError, TypeError) as error:
            raise BatchctlError(
                f"could not use the image `{what}`: its manifest isn't one of a container image",
                hint="name another image",
            ) from error
        return cls(config, layers, found.get("annotations") or {})


def digest_of(content: bytes) -> str:
    """Return the digest of some bytes, as registries spell it."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def encoded(document: Mapping[str, Any]) -> bytes:
    """Return a document as JSON, byte for byte the same each time."""
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
