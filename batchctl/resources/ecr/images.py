"""The compute image in ECR: built and pushed when what it is made of changed, known by its hash.

Tags are `CONTENTS`, and for an image that was built once more on a newer base
`CONTENTS-20261124T003252Z`: the last of them in the order of the alphabet is the newest. Whoever
has the same contents finds the same image, on every machine.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from batchctl.aws.concurrently import concurrently
from batchctl.aws.errors import ignore_missing
from batchctl.aws.session import Aws
from batchctl.aws.tags import as_dict
from batchctl.image.failures import TagTaken
from batchctl.image.recipe import Recipe, Registry
from batchctl.image.running import Watch
from batchctl.resource import Actual, Deployed, Group, Outputs, Properties, Resource
from batchctl.resource.grants import Grant
from batchctl.resources.batch.definitions import images_in_use

# A push is seen at once, as a rule.
SHOWN_WITHIN_S = 60.0
# Amazon ECR API Reference, BatchDeleteImage: at most 100 images in one call.
DELETED_AT_ONCE = 100

Description = Mapping[str, Any]


REPOSITORIES = ("repository/{stack}-*",)


@dataclass(frozen=True)
class ImageOutputs(Outputs):
    """The id is the tag; `uri` names the image by its digest. An image has no ARN."""

    uri: str
    repository: str


@dataclass(frozen=True, kw_only=True)
class Image(Resource[ImageOutputs]):
    """What `recipe` makes, in a repository.

    A change of it is another image beside the old ones. Of these the newest `keep` stay, and all
    that an ACTIVE job definition uses.
    """

    repository: Resource[Any]
    recipe: Recipe
    keep: int = 5

    kind: ClassVar[str] = "image"
    group: ClassVar[Group | None] = Group.COMPUTE
    # Amazon ECR pricing.
    cost: ClassVar[str] = "is billed by the month for what it stores"
    outputs: ClassVar[type[ImageOutputs]] = ImageOutputs
    identity: ClassVar[tuple[str, ...]] = ("repositoryName",)
    changes_outputs: ClassVar[tuple[str, ...]] = ("contents", "rebuilt")
    taggable: ClassVar[bool] = False
    when_made: ClassVar[str] = "build and push"
    grants: ClassVar[tuple[Grant, ...]] = (
        Grant("read up down", "ecr", "DescribeImages ListTagsForResource", REPOSITORIES),
        Grant("read", "ecr", "BatchGetImage", REPOSITORIES),
        Grant("up", "ecr", "GetAuthorizationToken"),
        # Amazon ECR user guide, "IAM permissions for pushing an image to a private repository".
        Grant(
            "up",
            "ecr",
            "BatchCheckLayerAvailability BatchGetImage CompleteLayerUpload GetDownloadUrlForLayer "
            "InitiateLayerUpload PutImage UploadLayerPart",
            REPOSITORIES,
        ),
        Grant("up down", "ecr", "BatchDeleteImage", REPOSITORIES),
        Grant("up", "batch", "DescribeJobDefinitions"),
    )

    def desired(self, deployed: Deployed) -> Properties:
        """Return where it goes and what it is made of; `rebuilt` when it is to be built anew."""
        repository = deployed[self.repository]
        desired = {
            "repositoryName": repository.id,
            "repositoryUri": repository.uri,
            "contents": self.recipe.contents,
        }
        return {**desired, "rebuilt": self.recipe.rebuilt} if self.recipe.rebuilt else desired

    @classmethod
    def read(
        cls, aws: Aws, recorded: ImageOutputs | None, desired: Properties
    ) -> Actual[ImageOutputs] | None:
        """Find the image of these contents, else the recorded one; None when both are absent.

        Also None for an intent, of which only the repository is known: the image goes with that.
        """
        if "contents" not in desired:
            return None
        with ignore_missing():
            images = _images(aws, desired["repositoryName"])
            tag = _newest_tag(images, desired["contents"]) or (recorded.id if recorded else "")
            found = _tagged(images, tag)
            if found is not None:
                return Actual(_outputs(found, tag, desired), _properties(tag, desired))
        return None

    def create(self, aws: Aws, desired: Properties) -> ImageOutputs:
        """Build and push it, wait until ECR shows it, and delete images that nobody needs."""
        tag = "-".join(filter(None, (desired["contents"], desired.get("rebuilt"))))
        name = desired["repositoryName"]
        images, password = concurrently(
            partial(_images, aws, name), partial(registry_password, aws)
        )
        registry = Registry(desired["repositoryUri"], lambda: password, _newest(images))
        try:
            self.recipe.push_to(registry, tag, Watch(aws.on_wait, aws.clock.stop))
        except TagTaken:
            # Another machine was quicker with the same contents.
            if _tagged(_images(aws, name), tag) is None:
                raise

        def shown() -> tuple[Description, Sequence[Description]] | None:
            all_images = _images(aws, name)
            found = _tagged(all_images, tag)
            return None if found is None else (found, all_images)

        what = "ECR to show the image"
        found, all_images = aws.wait_until(what, shown, timeout_s=SHOWN_WITHIN_S)
        _delete_old(aws, all_images, found, self.keep)
        return _outputs(found, tag, desired)

    def update(
        self,
        aws: Aws,
        actual: Actual[ImageOutputs],
        desired: Properties,
        changed: Properties,
    ) -> ImageOutputs:
        """Build and push another one."""
        del actual, changed
        return self.create(aws, desired)

    @classmethod
    def tags_of(cls, aws: Aws, recorded: ImageOutputs) -> Mapping[str, str] | None:
        """Return the tags of its repository; None when that is gone."""
        return tags_of_repository(aws, recorded.repository)

    @classmethod
    def delete(cls, aws: Aws, recorded: ImageOutputs) -> None:
        """Delete the image; those before it go with the repository."""
        with ignore_missing():
            aws.ecr.batch_delete_image(
                repositoryName=recorded.repository, imageIds=[{"imageTag": recorded.id}]
            )


def tags_of_repository(aws: Aws, name: str) -> Mapping[str, str] | None:
    """Return the tags of a repository, whoever's it is; None when it is gone."""
    arn = aws.arn("ecr", f"repository/{name}")
    with ignore_missing():
        return as_dict(aws.ecr.list_tags_for_resource(resourceArn=arn).get("tags"))
    return None


def _images(aws: Aws, repository: str) -> Sequence[Description]:
    """Return the images that have a tag."""
    pages = aws.ecr.get_paginator("describe_images").paginate(repositoryName=repository)
    return [each for page in pages for each in page["imageDetails"] if each.get("imageTags")]


def _newest_tag(images: Sequence[Description], contents: str) -> str | None:
    tags = (tag for each in images for tag in each["imageTags"])
    return max((tag for tag in tags if tag.partition("-")[0] == contents), default=None)


def _newest(images: Sequence[Description]) -> str | None:
    """Return the digest of the image that was pushed last."""
    last = max(images, key=lambda each: str(each["imagePushedAt"]), default=None)
    return None if last is None else str(last["imageDigest"])


def _tagged(images: Sequence[Description], tag: str) -> Description | None:
    return next((each for each in images if tag in each["imageTags"]), None)


def _outputs(found: Description, tag: str, desired: Properties) -> ImageOutputs:
    uri = f"{desired['repositoryUri']}@{found['imageDigest']}"
    return ImageOutputs(id=tag, arn="", uri=uri, repository=found["repositoryName"])


def _properties(tag: str, desired: Properties) -> Properties:
    contents, _, rebuilt = tag.partition("-")
    return {**desired, "contents": contents, "rebuilt": rebuilt or None}


def registry_password(aws: Aws) -> str:
    """Return a password of the user `AWS` for the account's registry, good for 12 hours."""
    token = aws.ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    return base64.b64decode(token).decode().partition(":")[2]


def _delete_old(aws: Aws, images: Sequence[Description], current: Description, keep: int) -> None:
    """Delete of `images` all but `current`, the newest `keep`, and those that may yet be run."""
    others = [each for each in images if each["imageDigest"] != current["imageDigest"]]
    newest_first = sorted(others, key=lambda each: str(each["imagePushedAt"]), reverse=True)
    old = {each["imageDigest"] for each in newest_first[keep - 1 :]}
    if not old:
        return
    used = {image.partition("@")[2] for image in images_in_use(aws)}
    ids: Any = [{"imageDigest": digest} for digest in sorted(old - used)]
    if ids:
        repository = current["repositoryName"]
        aws.ecr.batch_delete_image(repositoryName=repository, imageIds=ids[:DELETED_AT_ONCE])
