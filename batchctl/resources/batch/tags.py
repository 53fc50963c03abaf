"""The tags of everything in AWS Batch, which takes them by ARN."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from batchctl.aws.session import Aws
from batchctl.resource import Outputs


class Tagged:
    """What has tags in AWS Batch."""

    def write_tags(
        self, aws: Aws, outputs: Outputs, tags: Mapping[str, str], removed: Sequence[str]
    ) -> None:
        """Set `tags` and remove the keys `removed`: of a job definition on its latest revision."""
        aws.batch.tag_resource(resourceArn=outputs.arn, tags=tags)
        if removed:
            aws.batch.untag_resource(resourceArn=outputs.arn, tagKeys=removed)
