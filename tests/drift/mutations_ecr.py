"""What other hands can change of ECR."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from built import Application
from hypothesis import strategies as st
from mutation import Mutation, other, tag

from batchctl.resources.ecr.repositories import LIFECYCLE_POLICY

ADDRESS = "repository.compute"


def _mutability(application: Application, repository: Any, value: Any) -> None:
    application.client("ecr").put_image_tag_mutability(
        repositoryName=repository.id, imageTagMutability=value
    )


def _scanning(application: Application, repository: Any, value: Any) -> None:
    application.client("ecr").put_image_scanning_configuration(
        repositoryName=repository.id, imageScanningConfiguration={"scanOnPush": value}
    )


def _lifecycle(application: Application, repository: Any, value: Any) -> None:
    ecr = application.client("ecr")
    if value is None:
        ecr.delete_lifecycle_policy(repositoryName=repository.id)
        return
    ecr.put_lifecycle_policy(repositoryName=repository.id, lifecyclePolicyText=json.dumps(value))


def _policy(application: Application, repository: Any, value: str) -> None:
    statement = {"Effect": "Allow", "Principal": value, "Action": "ecr:BatchGetImage"}
    text = json.dumps({"Statement": [statement]})
    application.client("ecr").set_repository_policy(repositoryName=repository.id, policyText=text)


def _expiring_everything() -> Mapping[str, Sequence[Any]]:
    """A policy that would delete images which job definitions use."""
    selection = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1}
    return {"rules": [{**LIFECYCLE_POLICY["rules"][0], "selection": selection}]}


def _tag(application: Application, repository: Any, tags: Mapping[str, str]) -> None:
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    application.client("ecr").tag_resource(resourceArn=repository.arn, tags=listed)


ECR: tuple[Mutation, ...] = (
    Mutation(ADDRESS, "imageTagMutability", _mutability, other("MUTABLE")),
    Mutation(ADDRESS, "imageScanningConfiguration.scanOnPush", _scanning, st.sampled_from([False])),
    Mutation(ADDRESS, "lifecyclePolicyText.rules", _lifecycle, other(None, _expiring_everything())),
    Mutation(ADDRESS, "policyText.Statement", _policy, other("*")),
    tag(ADDRESS, _tag),
)
