"""A recipe whose image is pushed without a builder: ECR gets the manifest by its API."""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import dataclass
from typing import Any

import boto3

from batchctl.image.recipe import Registry
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
        put_image(registry.uri.partition("/")[2], tag)


def put_image(repository: str, tag: str) -> None:
    """Put an image into a repository; its digest is made of its tag."""
    layer = {"digest": f"sha256:{hashlib.sha256(tag.encode()).hexdigest()}"}
    _ecr().put_image(
        repositoryName=repository,
        imageTag=tag,
        imageManifest=json.dumps({"layers": [layer], "mediaType": MANIFEST_TYPE}),
        imageManifestMediaType=MANIFEST_TYPE,
    )


@functools.cache
def _ecr() -> Any:
    return boto3.client(
        "ecr",
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
