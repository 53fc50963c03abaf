"""The deployed image as it lies in ECR: what the next push changes of it, what is in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import ClientError

from batchctl.aws.session import Aws
from batchctl.engine.kinds import outputs_of
from batchctl.engine.plan import Plan
from batchctl.engine.state import State
from batchctl.errors import BatchctlError
from batchctl.image.bill_of_materials import (
    bill_of_materials,
    made_elsewhere,
    packages_layer,
    packages_of,
)
from batchctl.image.composed import ComposedRecipe
from batchctl.image.layer_changes import LayerChanges, layer_changes
from batchctl.image.oci.assembly import base_of
from batchctl.image.oci.base import repository_of
from batchctl.image.oci.blob_cache import BlobCache
from batchctl.image.oci.descriptors import MANIFESTS, Manifest
from batchctl.image.oci.names import parse
from batchctl.image.oci.registry import Repository
from batchctl.image.oci.transport import Transport
from batchctl.image.recipe import Recipe
from batchctl.private_files import cache_directory
from batchctl.resources.ecr.images import Image, ImageOutputs, registry_password

_BRIEF_TRIES, _BRIEF_S = 1, 3.0
"""What only adds a line to `status` holds it up no longer."""


@dataclass(frozen=True)
class DeployedImage:
    """The image of the last `up`: where it is, and its manifest."""

    uri: str
    manifest: Manifest


def layers_to_push(
    image: str | Recipe, plan: Plan, recorded: State | None, aws: Aws
) -> LayerChanges | None:
    """Return which layers the plan's push makes; None where it pushes none that batchctl makes."""
    is_pushed = any(each.address.startswith(f"{Image.kind}.") for each in plan.changes)
    if not is_pushed or not isinstance(image, ComposedRecipe):
        return None
    deployed = deployed_image(recorded, aws)
    return layer_changes(image, deployed.manifest if deployed else None)


def deployed_image(recorded: State | None, aws: Aws) -> DeployedImage | None:
    """Return the image that is recorded; None where there is none that can be read."""
    outputs = _outputs(recorded)
    if outputs is None:
        return None
    try:
        found = aws.ecr.batch_get_image(
            repositoryName=outputs.repository,
            imageIds=[{"imageTag": outputs.id}],
            acceptedMediaTypes=list(MANIFESTS),
        )["images"]
        return DeployedImage(
            outputs.uri, Manifest.parse(found[0]["imageManifest"].encode(), outputs.uri)
        )
    except (ClientError, BatchctlError, IndexError):
        # Gone, not to be read by these credentials, or of another making: nothing is known of it.
        return None


def newer_base(image: str | Recipe, recorded: State | None, aws: Aws) -> str | None:
    """Return the base image's name where its tag names another one by now than was built on.

    None also where its registry doesn't answer at once.
    """
    if not isinstance(image, ComposedRecipe):
        return None
    deployed = deployed_image(recorded, aws)
    base = base_of(deployed.manifest) if deployed else None
    if base is None or parse(base.name).is_pinned:
        return None
    brief = replace(image.transport, tries=_BRIEF_TRIES, timeout_s=_BRIEF_S)
    try:
        now = repository_of(base.name, brief).digest_of_tag(parse(base.name).reference)
    except BatchctlError:
        return None
    return base.name if now != base.digest else None


def bill_of_image(recorded: State | None, aws: Aws) -> dict[str, Any]:
    """Return the bill of materials of the deployed image.

    BatchctlError when there is none, or none that batchctl made.
    """
    deployed = deployed_image(recorded, aws)
    if deployed is None:
        raise BatchctlError(
            "could not list what is in the image: `up` has pushed none, or it can't be read",
            hint="run `batchctl up` first; tasks of the local cloud run in an image with "
            "`local.executor: container` alone; reading it takes `ecr:BatchGetImage`",
        )
    name, _, digest = deployed.uri.partition("@")
    index = packages_layer(deployed.manifest)
    if index is None:
        raise made_elsewhere(name)
    host, _, path = name.partition("/")
    repository = Repository(host, path, Transport(), lambda: registry_password(aws))
    layer = deployed.manifest.layers[index]
    file = BlobCache(cache_directory() / "layers").fetch(repository, layer)
    return bill_of_materials(name, digest, deployed.manifest, packages_of(file))


def _outputs(recorded: State | None) -> ImageOutputs | None:
    for address, record in (recorded.resources if recorded else {}).items():
        if address.startswith(f"{Image.kind}."):
            outputs = outputs_of(record)
            return outputs if isinstance(outputs, ImageOutputs) else None
    return None
