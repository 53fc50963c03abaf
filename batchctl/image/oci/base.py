"""A base image: which one it is now, its layers, and what it is configured with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from batchctl.errors import BatchctlError
from batchctl.image.oci import names
from batchctl.image.oci.descriptors import INDEXES, Descriptor, Manifest, digest_of
from batchctl.image.oci.registry import Repository
from batchctl.image.oci.transport import Transport


@dataclass(frozen=True)
class Base:
    """A base image for one platform: `digest` is that of the index or manifest that was named.

    `configuration` is the whole one: `rootfs`, `config`, `history`, as its registry has it.
    """

    name: str
    digest: str
    layers: tuple[Descriptor, ...]
    configuration: Mapping[str, Any]

    @property
    def diff_ids(self) -> tuple[str, ...]:
        """The digests of its layers' tar files."""
        return tuple(self.configuration["rootfs"]["diff_ids"])

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment variables that it sets."""
        entries = self.configuration.get("config", {}).get("Env") or ()
        return dict(entry.split("=", 1) for entry in entries if "=" in entry)


def repository_of(name: str, transport: Transport) -> Repository:
    """Return the repository of an image, read as nobody in particular."""
    parsed = names.parse(name)
    return Repository(parsed.host, parsed.repository, transport)


def resolve(name: str, platform: str, transport: Transport, pinned: str | None = None) -> Base:
    """Find a base image for a platform (`linux/arm64`): as it is now, or the `pinned` digest.

    RegistryError when its registry has none or can't be reached; BatchctlError when there is none
    for the platform.
    """
    repository = repository_of(name, transport)
    reference = pinned or names.parse(name).reference
    content, media_type = repository.manifest(reference)
    digest = digest_of(content)
    if media_type in INDEXES:
        content, _ = repository.manifest(_for_platform(content, platform, name))
    manifest = Manifest.parse(content, name)
    configuration = json.loads(repository.blob(manifest.config.digest))
    found = f"{configuration.get('os')}/{configuration.get('architecture')}"
    if found != platform:
        raise _other_platform(name, platform, [found])
    layers = tuple(each.as_oci() for each in manifest.layers)
    if len(layers) != len(configuration.get("rootfs", {}).get("diff_ids", ())):
        raise BatchctlError(f"could not use the base image `{name}`: its configuration is damaged")
    return Base(name, digest, layers, configuration)


def _for_platform(index: bytes, platform: str, name: str) -> str:
    found: dict[str, str] = {}
    for entry in json.loads(index)["manifests"]:
        its = entry.get("platform", {})
        found.setdefault(f"{its.get('os')}/{its.get('architecture')}", entry["digest"])
    if platform not in found:
        raise _other_platform(
            name, platform, sorted(each for each in found if "unknown" not in each)
        )
    return found[platform]


def _other_platform(name: str, platform: str, there: list[str]) -> BatchctlError:
    return BatchctlError(
        f"could not use the base image `{name}`: it is for {', '.join(there)}, the machines are "
        f"{platform}",
        hint="take another base image (`compute.base_image`), or change `compute.architecture`",
    )
