"""Base and layers to an image: its configuration, and the manifest that names all of it.

What a later build needs to know of this one stands in the manifest's annotations, in the registry
itself: so another machine, without the base image's registry, goes on from it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from batchctl.image.oci.base import Base
from batchctl.image.oci.descriptors import OCI_CONFIG, Descriptor, Manifest, digest_of, encoded

BASE_NAME = "org.opencontainers.image.base.name"
BASE_DIGEST = "org.opencontainers.image.base.digest"
BASE_CONFIGURATION = "dev.batchctl.base.configuration"
LAYER, INPUTS = "dev.batchctl.layer", "dev.batchctl.inputs"
"""What a layer of ours is, and the hash of what it was made from."""

EPOCH = "1970-01-01T00:00:00Z"
"""The same image is made whenever it is made."""


@dataclass(frozen=True)
class Placed:
    """A layer in an image: what names it, and the digest of the tar file within."""

    descriptor: Descriptor
    diff_id: str

    @property
    def role(self) -> str:
        """What it is for; empty for a layer of the base image."""
        return self.descriptor.annotations.get(LAYER, "")

    @property
    def inputs(self) -> str:
        """The hash of what it was made from."""
        return self.descriptor.annotations.get(INPUTS, "")


@dataclass(frozen=True)
class Assembled:
    """An image: the bytes of its configuration, and its manifest."""

    configuration: bytes
    manifest: Manifest


@dataclass(frozen=True)
class Settings:
    """What a container of the image starts with; `environment` is added to the base image's."""

    command: Sequence[str]
    folder: str
    user: str
    environment: Mapping[str, str]


def assemble(base: Base, layers: Sequence[Placed], settings: Settings) -> Assembled:
    """Put an image together: the base image's layers, then these."""
    configuration = encoded(_configuration(base, layers, settings))
    config = Descriptor(digest_of(configuration), len(configuration), OCI_CONFIG)
    annotations = {
        BASE_NAME: base.name,
        BASE_DIGEST: base.digest,
        BASE_CONFIGURATION: json.dumps(base.configuration, separators=(",", ":"), sort_keys=True),
    }
    all_layers = (*base.layers, *(each.descriptor for each in layers))
    return Assembled(configuration, Manifest(config, all_layers, annotations))


def base_of(manifest: Manifest) -> Base | None:
    """Return the base image that an image of ours was made on; None for another's image."""
    try:
        configuration = json.loads(manifest.annotations[BASE_CONFIGURATION])
        count = len(configuration["rootfs"]["diff_ids"])
        return Base(
            manifest.annotations[BASE_NAME],
            manifest.annotations[BASE_DIGEST],
            manifest.layers[:count],
            configuration,
        )
    except (KeyError, ValueError, TypeError):
        return None


def layers_of(manifest: Manifest, configuration: Mapping[str, Any]) -> Mapping[str, Placed]:
    """Return the layers that are ours in an image, by what they are for."""
    diff_ids = configuration.get("rootfs", {}).get("diff_ids", ())
    placed = (Placed(*pair) for pair in zip(manifest.layers, diff_ids, strict=False))
    return {each.role: each for each in placed if each.role}


def _configuration(base: Base, layers: Sequence[Placed], settings: Settings) -> dict[str, Any]:
    own = dict(base.configuration.get("config") or {})
    environment = {**base.environment, **settings.environment}
    own |= {
        "Env": [f"{name}={value}" for name, value in environment.items()],
        "WorkingDir": settings.folder,
        "User": settings.user,
        "Cmd": list(settings.command),
    }
    # What the base image starts with is not what this one is for.
    own.pop("Entrypoint", None)
    history = [
        *(base.configuration.get("history") or ()),
        *({"created": EPOCH, "created_by": f"batchctl: {each.role}"} for each in layers),
    ]
    kept = {name: base.configuration[name] for name in _KEPT if name in base.configuration}
    diff_ids = [*base.diff_ids, *(each.diff_id for each in layers)]
    return kept | {
        "created": EPOCH,
        "config": own,
        "history": history,
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    }


_KEPT = ("architecture", "os", "os.version", "variant")
