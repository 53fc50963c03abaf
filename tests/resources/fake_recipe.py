"""Recipes whose images are pushed without a builder: straight into moto's ECR, by no API call."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from moto.ecr.exceptions import ImageAlreadyExistsException
from moto.ecr.models import ecr_backends

from batchctl.image.failures import TagTaken
from batchctl.image.recipe import FolderRecipe, Registry
from batchctl.image.running import Watch

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"


@dataclass(frozen=True)
class FakeRecipe:
    """An image of these contents; a rebuilt one differs, as one on a newer base does."""

    contents: str = "0a1b2c3d4e5f"
    rebuilt: str | None = None

    def push_to(self, registry: Registry, tag: str, watch: Watch) -> None:
        """Push as a builder does, with the password that it asks for."""
        assert registry.password()
        watch.on_line(f"pushing {tag}")
        put_image(registry.uri, tag)


class UnbuiltFolder(FolderRecipe):
    """A folder as it is, hashed for real; only its image is none."""

    def push_to(self, registry: Registry, tag: str, watch: Watch) -> None:
        """Push what stands for the image."""
        FakeRecipe().push_to(registry, tag, watch)


def put_image(uri: str, tag: str) -> None:
    """Put an image into the repository of that URI; its digest is made of its tag."""
    host, _, repository = uri.partition("/")
    account, _, _, region, *_ = host.split(".")
    layer = {"digest": f"sha256:{hashlib.sha256(tag.encode()).hexdigest()}"}
    manifest = json.dumps({"layers": [layer], "mediaType": MANIFEST_TYPE})
    try:
        ecr_backends[account][region].put_image(repository, manifest, tag, MANIFEST_TYPE)
    except ImageAlreadyExistsException as error:
        raise TagTaken(str(error)) from error
