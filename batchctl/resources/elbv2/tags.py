"""The tags of everything in Elastic Load Balancing, which its describe calls leave out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from batchctl.aws.batched_reads import BatchedRead
from batchctl.aws.errors import ignore_missing
from batchctl.aws.session import Aws
from batchctl.aws.tags import as_dict, as_list
from batchctl.resource import Outputs

ELB = "elasticloadbalancing"

BATCHED_TAGS = BatchedRead(
    "elasticloadbalancing.DescribeTags", "ResourceArns", "TagDescriptions", "ResourceArn", of="arn"
)


def tag_list(tags: Mapping[str, str]) -> list[Any]:
    """Return tags, or attributes, as a list of Key and Value."""
    return list(as_list(tags))


def read_tags(aws: Aws, arn: str) -> dict[str, str]:
    """Return the tags of a load balancer, listener, rule or target group."""
    answer = aws.elbv2.describe_tags(ResourceArns=[arn])
    return as_dict(answer["TagDescriptions"][0].get("Tags"))


def live_tags(aws: Aws, arn: str) -> dict[str, str] | None:
    """Return the tags of a load balancer, listener, rule or target group; None when it is gone."""
    with ignore_missing():
        return read_tags(aws, arn)
    return None


class Tagged:
    """What has tags in Elastic Load Balancing."""

    def write_tags(
        self, aws: Aws, outputs: Outputs, tags: Mapping[str, str], removed: Sequence[str]
    ) -> None:
        """Set `tags` and remove the keys `removed`."""
        aws.elbv2.add_tags(ResourceArns=[outputs.arn], Tags=tag_list(tags))
        if removed:
            aws.elbv2.remove_tags(ResourceArns=[outputs.arn], TagKeys=removed)

    @classmethod
    def tags_of(cls, aws: Aws, recorded: Outputs) -> Mapping[str, str] | None:
        """Return the tags that it has now; None when it is gone."""
        return live_tags(aws, recorded.arn)
