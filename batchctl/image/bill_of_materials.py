"""What is in an image that batchctl made, as a bill of materials: its base image and its packages.

OWASP CycloneDX 1.6, JSON. The packages are read from the image itself: from the metadata that lies
beside each one in its layer (Python packaging user guide, "Recording installed projects").
"""

from __future__ import annotations

import re
import tarfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any

from batchctl.errors import BatchctlError
from batchctl.image.oci.assembly import LAYER, base_of
from batchctl.image.oci.base import Base
from batchctl.image.oci.descriptors import Manifest

_METADATA = re.compile(r"[^/]+\.dist-info/METADATA$")
_LARGEST_BYTES = 1024 * 1024
"""Of a package's metadata: some have their whole documentation in it."""


@dataclass(frozen=True)
class Package:
    """A Python package in an image; `license` as its author says it, empty where they don't."""

    name: str
    version: str
    license: str = ""


def packages_of(layer: Path) -> tuple[Package, ...]:
    """Return the packages in a layer, by name; BatchctlError when it can't be read."""
    try:
        with tarfile.open(layer) as archive:
            found = list(_packages(archive))
    except (OSError, tarfile.TarError, EOFError) as error:
        raise BatchctlError(f"could not read the packages of the image: {error}") from error
    return tuple(sorted(found, key=lambda each: each.name.lower()))


def _packages(archive: tarfile.TarFile) -> Iterator[Package]:
    for entry in archive:
        file = archive.extractfile(entry) if _METADATA.search(entry.name) else None
        if file is not None:
            found = BytesHeaderParser().parsebytes(file.read(_LARGEST_BYTES))
            yield Package(str(found["Name"]), str(found["Version"]), _license(found))


def _license(found: Message) -> str:
    expression = str(found.get("License-Expression") or found.get("License") or "")
    return expression if "\n" not in expression else ""


def bill_of_materials(
    name: str, digest: str, manifest: Manifest, packages: tuple[Package, ...]
) -> dict[str, Any]:
    """Return the document for an image; the same image has the same one, always.

    BatchctlError for an image that batchctl didn't make.
    """
    base = base_of(manifest)
    if base is None:
        raise made_elsewhere(name)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{name}@{digest}')}",
        "version": 1,
        "metadata": {"component": _container(name, digest)},
        "components": [_base(base), *map(_library, packages)],
    }


def made_elsewhere(name: str) -> BatchctlError:
    """Return the error for an image that says nothing of what it was made from."""
    return BatchctlError(
        f"could not list what is in the image `{name}`: batchctl did not make it",
        hint="a scanner of images can (Amazon Inspector, or one on this machine); batchctl makes "
        "it where `compute.build` has no Dockerfile",
    )


def packages_layer(manifest: Manifest) -> int | None:
    """Return which of an image's layers has the packages; None when it isn't ours."""
    roles = [each.annotations.get(LAYER) for each in manifest.layers]
    return roles.index("packages") if "packages" in roles else None


def _container(name: str, digest: str) -> dict[str, Any]:
    return {
        "type": "container",
        "bom-ref": f"{name}@{digest}",
        "name": name,
        "version": digest,
        "hashes": [{"alg": "SHA-256", "content": digest.partition(":")[2]}],
    }


def _base(base: Base) -> dict[str, Any]:
    return _container(base.name.partition("@")[0], base.digest)


def _library(package: Package) -> dict[str, Any]:
    url = f"pkg:pypi/{re.sub(r'[-_.]+', '-', package.name).lower()}@{package.version}"
    found: dict[str, Any] = {
        "type": "library",
        "bom-ref": url,
        "name": package.name,
        "version": package.version,
        "purl": url,
    }
    if package.license:
        found["licenses"] = [{"license": {"name": package.license}}]
    return found
