"""What differs between the partitions aws, aws-cn and aws-us-gov: known here alone.

Sources: botocore's endpoint data for ids and DNS suffixes; Getting Started with Amazon Web
Services in China (Lambda: no X-Ray integration); IAM user guide, AWS managed policies.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

from botocore.loaders import create_loader
from botocore.regions import EndpointResolver

from batchctl.errors import UsageError


@dataclass(frozen=True)
class Partition:
    """One partition: its id in ARNs, its DNS suffix, and what it lacks."""

    id: str
    dns_suffix: str

    def service_principal(self, service: str) -> str:
        """Return a service's principal for trust policies, for example of `ecs-tasks`.

        In aws-cn only EC2's has the partition's own suffix; in all others none has, not even in
        those whose endpoints have one (pulumi-eks issue 2341, aws-cli issue 8703).
        """
        has_own = (self.id, service) == ("aws-cn", "ec2")
        suffix = self.dns_suffix if has_own else "amazonaws.com"
        return f"{service}.{suffix}"

    def managed_policy(self, path: str) -> str:
        """Return the ARN of an AWS managed policy, for example `service-role/Name`."""
        return f"arn:{self.id}:iam::aws:policy/{path}"

    @cached_property
    def has_lambda_tracing(self) -> bool:
        """Whether Lambda functions can trace with X-Ray."""
        return self.id != "aws-cn"

    @cached_property
    def has_mapping_tags(self) -> bool:
        """Whether Lambda's event source mappings can be tagged."""
        return self.id != "aws-cn"

    @cached_property
    def has_api_tls_policies(self) -> bool:
        """Whether REST APIs take a TLS policy: no source says so for other partitions.

        A policy that a region doesn't know would make every `up` fail.
        """
        return self.id == "aws"

    @cached_property
    def default_function_architecture(self) -> str:
        """Lambda's cheaper arm64 where it is known to exist, else x86_64."""
        return "arm64" if self.id == "aws" else "x86_64"


@cache
def partition_of(region: str) -> Partition:
    """Return the partition that a region belongs to; UsageError for what is no region."""
    resolver = EndpointResolver(create_loader().load_data("endpoints"))
    try:
        partition_id = resolver.get_partition_for_region(region)
    except Exception as error:
        raise UsageError(
            f"could not use region `{region}`: AWS has no such region",
            hint="check `region` in config.yaml, `--region` or AWS_REGION",
        ) from error
    return Partition(partition_id, resolver.get_partition_dns_suffix(partition_id))
