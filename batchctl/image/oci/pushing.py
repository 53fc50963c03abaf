"""What a registry lacks of an image, uploaded: the blobs side by side, the manifest last.

So a run that ends in the middle leaves blobs that nothing names, which the next one finds there,
and never half an image.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from io import BytesIO
from threading import Lock
from typing import IO

from batchctl.image.oci.assembly import LAYER, Assembled
from batchctl.image.oci.descriptors import Descriptor
from batchctl.image.oci.registry import Repository

AT_ONCE = 4

Source = Callable[[], IO[bytes]]
"""Opens the bytes of a blob, fetching them first where they aren't here."""


@dataclass
class Transfer:
    """What was uploaded, and what was there already: bytes by digest."""

    uploaded: dict[str, int] = field(default_factory=dict)
    present: dict[str, int] = field(default_factory=dict)


def push(
    repository: Repository,
    tag: str,
    image: Assembled,
    sources: Mapping[str, Source],
    report: Callable[[str], None],
) -> Transfer:
    """Upload what the repository lacks of an image, then its manifest under `tag`.

    `sources` open the layers that it may lack, by digest: a layer without one is there, in an image
    of the repository. RegistryError, TagTaken.
    """
    config = image.manifest.config
    blobs = {each.digest: each for each in (config, *image.manifest.layers)}
    openers: dict[str, Source] = {**sources, config.digest: lambda: BytesIO(image.configuration)}
    transfer, lock = Transfer(), Lock()

    def one(digest: str) -> None:
        descriptor = blobs[digest]
        there = digest not in openers or repository.has(digest)
        if not there:
            report(f"uploading {_shown(descriptor)}")
            with openers[digest]() as content:
                repository.upload(descriptor, content)
        with lock:
            kept = transfer.present if there else transfer.uploaded
            kept[digest] = descriptor.size

    # The first alone: it settles how the registry lets us in.
    first, *others = blobs
    one(first)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(one, others))
    repository.put_manifest(tag, image.manifest.encoded())
    return transfer


def _shown(descriptor: Descriptor) -> str:
    name = descriptor.annotations.get(LAYER) or "a part of the image"
    return f"{name} ({descriptor.size / 1e6:.1f} MB)"
