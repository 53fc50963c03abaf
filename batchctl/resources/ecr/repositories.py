"""ECR: the repository of the compute image, beside the image itself in `ecr_images`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar
from urllib.parse import urlsplit

from batchctl.aws.concurrently import concurrently
from batchctl.aws.errors import ignore_missing
from batchctl.aws.session import Aws
from batchctl.resource import (
    Actual,
    Deployed,
    Document,
    Group,
    Outputs,
    Properties,
    Resource,
    require_owned,
)
from batchctl.resource.grants import Grant
from batchctl.resources.ecr.images import REPOSITORIES, Image, tags_of_repository
from batchctl.resources.iam import policies as iam_policies

__all__ = ["Image", "Repository"]

# What a push that was broken off leaves behind. Images with a tag stay until a newer one comes:
# ECR's own rules know nothing of the job definitions that use them (see `ecr_images`).
UNTAGGED_DAYS = 1
LIFECYCLE_POLICY = {
    "rules": [
        {
            "rulePriority": 1,
            "description": "Untagged images",
            "selection": {
                "tagStatus": "untagged",
                "countType": "sinceImagePushed",
                "countUnit": "days",
                "countNumber": UNTAGGED_DAYS,
            },
            "action": {"type": "expire"},
        }
    ]
}


@dataclass(frozen=True)
class RepositoryOutputs(Outputs):
    """The id is the name; `uri` is what images are pushed to and pulled from, without a tag."""

    uri: str


@dataclass(frozen=True, kw_only=True)
class Repository(Resource[RepositoryOutputs]):
    """A private repository: what is pushed is scanned, and a tag stays with its image for ever.

    It goes with its images, as they can be built again.
    """

    kind: ClassVar[str] = "repository"
    group: ClassVar[Group | None] = Group.COMPUTE
    # Amazon ECR pricing.
    cost: ClassVar[str] = "is billed by the month for the images in it"
    outputs: ClassVar[type[RepositoryOutputs]] = RepositoryOutputs
    identity: ClassVar[tuple[str, ...]] = ("repositoryName",)
    calls_to_read: ClassVar[int] = 4
    when_deleted: ClassVar[str] = "with its images, which can be built again"
    grants: ClassVar[tuple[Grant, ...]] = (
        Grant("read up down", "ecr", "DescribeRepositories ListTagsForResource", REPOSITORIES),
        Grant("read up", "ecr", "GetLifecyclePolicy GetRepositoryPolicy", REPOSITORIES),
        Grant(
            "up",
            "ecr",
            "CreateRepository DeleteRepositoryPolicy PutImageScanningConfiguration "
            "PutImageTagMutability PutLifecyclePolicy TagResource UntagResource",
            REPOSITORIES,
        ),
        Grant("up down", "ecr", "DeleteRepository", REPOSITORIES),
    )

    def desired(self, deployed: Deployed) -> Properties:
        """Return the parameters of CreateRepository, and the lifecycle policy as a document."""
        del deployed
        return {
            "repositoryName": self.physical_name,
            "imageTagMutability": "IMMUTABLE",
            "imageScanningConfiguration": {"scanOnPush": True},
            "lifecyclePolicyText": Document(LIFECYCLE_POLICY),
            # None: the account's own principals alone.
            "policyText": Document(),
        }

    @classmethod
    def read(
        cls, aws: Aws, recorded: RepositoryOutputs | None, desired: Properties
    ) -> Actual[RepositoryOutputs] | None:
        """Find the repository by name; None when there is none."""
        name = recorded.id if recorded else str(desired["repositoryName"])
        with ignore_missing():
            found = aws.ecr.describe_repositories(repositoryNames=[name])["repositories"][0]
            tags, lifecycle_policy, policy = concurrently(
                partial(tags_of_repository, aws, name),
                partial(_lifecycle_policy, aws, name),
                partial(_policy, aws, name),
            )
            if tags is None:
                return None
            require_owned(aws, f"repository `{name}`", tags)
            properties = {**found, "lifecyclePolicyText": lifecycle_policy, "policyText": policy}
            return Actual(_outputs(aws, found), properties, tags)
        return None

    def create(self, aws: Aws, desired: Properties) -> RepositoryOutputs:
        """Make the repository with its tags, then set the lifecycle policy."""
        apart = {"lifecyclePolicyText", "policyText"}
        given = {key: value for key, value in desired.items() if key not in apart}
        answer = aws.ecr.create_repository(**given, tags=_as_list(aws.tags))
        _put_lifecycle_policy(aws, desired)
        return _outputs(aws, answer["repository"])

    def update(
        self,
        aws: Aws,
        actual: Actual[RepositoryOutputs],
        desired: Properties,
        changed: Properties,
    ) -> RepositoryOutputs:
        """Bring about each property by the call that is for it."""
        name = actual.outputs.id
        if "imageTagMutability" in changed:
            aws.ecr.put_image_tag_mutability(
                repositoryName=name, imageTagMutability=changed["imageTagMutability"]
            )
        if "imageScanningConfiguration" in changed:
            aws.ecr.put_image_scanning_configuration(
                repositoryName=name,
                imageScanningConfiguration=changed["imageScanningConfiguration"],
            )
        if "lifecyclePolicyText" in changed:
            _put_lifecycle_policy(aws, desired)
        if "policyText" in changed:
            with ignore_missing():
                aws.ecr.delete_repository_policy(repositoryName=name)
        return actual.outputs

    def write_tags(
        self, aws: Aws, outputs: RepositoryOutputs, tags: Mapping[str, str], removed: Sequence[str]
    ) -> None:
        """Set and remove tags."""
        aws.ecr.tag_resource(resourceArn=outputs.arn, tags=_as_list(tags))
        if removed:
            aws.ecr.untag_resource(resourceArn=outputs.arn, tagKeys=removed)

    def loosened(self, actual: Properties, desired: Properties) -> Iterator[str]:
        """Say that a policy goes by which others refuse calls."""
        if iam_policies.refuses(actual["policyText"], desired["policyText"]):
            yield f"the policy of repository `{self.name}`, which refuses calls, is removed"

    @classmethod
    def tags_of(cls, aws: Aws, recorded: RepositoryOutputs) -> Mapping[str, str] | None:
        """Return the tags that it has now; None when it is gone."""
        return tags_of_repository(aws, recorded.id)

    @classmethod
    def delete(cls, aws: Aws, recorded: RepositoryOutputs) -> None:
        """Delete the repository with its images."""
        with ignore_missing():
            aws.ecr.delete_repository(repositoryName=recorded.id, force=True)


def _lifecycle_policy(aws: Aws, name: str) -> Document:
    """Return the policy parsed; an absent one is an empty one."""
    with ignore_missing():
        found = aws.ecr.get_lifecycle_policy(repositoryName=name)
        return Document(json.loads(found["lifecyclePolicyText"]))
    return Document()


def _policy(aws: Aws, name: str) -> Document:
    """Return the policy that lets others in, parsed; an absent one is an empty one."""
    with ignore_missing():
        return Document(
            json.loads(aws.ecr.get_repository_policy(repositoryName=name)["policyText"])
        )
    return Document()


def _put_lifecycle_policy(aws: Aws, desired: Properties) -> None:
    aws.ecr.put_lifecycle_policy(
        repositoryName=desired["repositoryName"],
        lifecyclePolicyText=json.dumps(desired["lifecyclePolicyText"]),
    )


def _outputs(aws: Aws, found: Mapping[str, Any]) -> RepositoryOutputs:
    name = found["repositoryName"]
    return RepositoryOutputs(id=name, arn=found["repositoryArn"], uri=_uri(aws, found))


def _uri(aws: Aws, found: Mapping[str, Any]) -> str:
    """Return the repository's URI; the local cloud is the registry itself, whatever it says."""
    endpoint = aws.connection.endpoint_url
    if endpoint is None:
        return str(found["repositoryUri"])
    return f"{urlsplit(endpoint).netloc}/{found['repositoryName']}"


def _as_list(tags: Mapping[str, str]) -> Any:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
