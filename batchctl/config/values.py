"""The values that settings may have: text with a rule, and maps and lists with rules of their own.

A rule's text completes the sentence "`compute.image` …"; the JSON Schema carries the pattern, so
that editors mark what `load` would refuse.
"""

from __future__ import annotations

import ipaddress
import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, TypeGuard

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from batchctl.config.problems import shown
from batchctl.contract.environment import PREFIX
from batchctl.contract.memory import PATTERN as SIZE_PATTERN
from batchctl.contract.memory import mebibytes
from batchctl.versions import is_specifier


@dataclass(frozen=True)
class Matching:
    """Text that a pattern matches as a whole; `rule` says in words what the pattern asks for."""

    pattern: str
    rule: str

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(schema), "pattern": f"^(?:{self.pattern})$"}

    def _check(self, text: str) -> str:
        if not re.fullmatch(self.pattern, text):
            raise broken(self.rule, text)
        return text


def broken(rule: str, value: object = None) -> PydanticCustomError:
    """Make the error for a value that breaks `rule`; a `value` of None leaves the ", is …" out."""
    text = rule if value is None else f"{rule}, is `{shown(value)}`"
    return PydanticCustomError("rule", "{text}", {"text": text})


def _filled(values: tuple[str, ...]) -> tuple[str, ...]:
    if not values:
        raise broken("must not be an empty list")
    return values


def _unique(values: tuple[str, ...]) -> tuple[str, ...]:
    for index, value in enumerate(values):
        if value in values[:index]:
            raise broken(f"must not name `{value}` twice")
    return values


def _network(text: str) -> str:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise broken("must be an IPv4 or IPv6 network such as `203.0.113.0/24`", text) from None
    address, slash, _ = text.partition("/")
    if not slash or ipaddress.ip_address(address) != network.network_address:
        raise broken(f"must be a network: write `{network}`", text)
    return str(network)


def _tags(tags: Mapping[str, str]) -> Mapping[str, str]:
    for key in tags:
        if key.lower().startswith(("aws:", "batchctl:")):
            raise broken(f"must not have the key `{key}`: `aws:` and `batchctl:` are reserved")
    folded = [key.lower() for key in tags]
    for index, key in enumerate(tags):
        # IAM user guide, "Rules for tagging in IAM and AWS STS": keys that differ in case are one.
        if key.lower() in folded[:index]:
            raise broken(f"must not have the key `{key}` twice (IAM ignores the case of tag keys)")
    return tags


# What batchctl and AWS Batch set themselves in a job's container, and what would shadow its role.
_RESERVED_PREFIXES = ("AWS_BATCH", PREFIX)
_RESERVED_NAMES = (
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
)
# AWS Batch service quotas: a job definition has at most 24 KiB; 4 KiB are left for the rest of it.
_ENVIRONMENT_BYTES = 20 * 1024


def _environment(environment: Mapping[str, str]) -> Mapping[str, str]:
    for name in environment:
        if name.startswith(_RESERVED_PREFIXES) or name in _RESERVED_NAMES:
            raise broken(f"must not set `{name}`: AWS Batch or batchctl sets it")
    size = sum(len(f"{name}{value}".encode()) for name, value in environment.items())
    if size > _ENVIRONMENT_BYTES:
        raise broken(f"must have at most {_ENVIRONMENT_BYTES} bytes in all, has {size}")
    return environment


def _versions(text: str) -> str:
    if not is_specifier(text):
        raise broken("must be versions such as `>=0.2,<1`", text)
    return text


def _instance_type(text: str) -> str:
    if text == "a1" or text.startswith("a1."):
        raise broken("must not be an A1 instance (Amazon Linux 2023 on ECS can't run there)", text)
    return text


# What chooses by a name among what the user's own machine has (podman(1), docker(1)). Others name
# programs, modules, folders or hosts, and a config.yaml may come with a repository that nobody has
# read: `--runtime=./x` is run even to ask the engine what it is.
_BUILDER_OPTIONS = (
    *("--cgroup-manager", "--context", "--events-backend", "--log-level", "--runtime"),
    "--storage-driver",
)
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


def _builder_options(options: tuple[str, ...]) -> tuple[str, ...]:
    words = iter(options)
    for word in words:
        name, equals, value = word.partition("=")
        if name not in _BUILDER_OPTIONS:
            raise broken(f"must be of {', '.join(_BUILDER_OPTIONS)}, {_OTHERS}", word)
        value = value if equals else next(words, "")
        if not _PLAIN_NAME.fullmatch(value):
            raise broken(f"must have a plain name after `{name}`, {_OTHERS}", value)
    return options


_OTHERS = "as others run programs (they go into the environment's BATCHCTL_BUILDER_OPTIONS)"


# CloudWatch Logs API, PutRetentionPolicy: the possible values of retentionInDays.
_LOG_RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)


def _log_retention(days: int) -> int:
    if days not in _LOG_RETENTION_DAYS:
        raise broken(f"must be one of {', '.join(map(str, _LOG_RETENTION_DAYS))}", days)
    return days


MAX_ITEMS_PER_TASK = 10_000
HIGHEST_PORT = 65535
# AWS Batch API Reference, ResourceRequirement.
_LEAST_MEMORY_MIB = 4
_MOST_MEMORY_SIZES = 5


def _items_per_task(value: object) -> object:
    if value == "auto" or (_is_whole(value) and 1 <= value <= MAX_ITEMS_PER_TASK):
        return value
    raise broken(f"must be `auto` or a whole number from 1 to {MAX_ITEMS_PER_TASK}", value)


def _local_port(value: object) -> object:
    if value == "auto" or (_is_whole(value) and 1 <= value <= HIGHEST_PORT):
        return value
    raise broken(f"must be `auto` or a whole number from 1 to {HIGHEST_PORT}", value)


@dataclass(frozen=True)
class AsMemory:
    """A number of MiB, or a list of them, that may also be written as `4GiB`."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_before_validator_function(_in_mebibytes, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        found = handler(schema)
        text = {"type": "string", "pattern": f"^{SIZE_PATTERN}$"}
        options = [
            {**each, "items": {"anyOf": [each["items"], text]}} if "items" in each else each
            for each in found.get("anyOf", [found])
        ]
        return {"anyOf": [*options, text]}


def _in_mebibytes(value: object) -> object:
    if isinstance(value, list):
        return [_in_mebibytes(each) for each in value]
    size = mebibytes(value) if isinstance(value, str) else None
    return value if size is None else size


def _memory_sizes(value: object) -> object:
    sizes = value if isinstance(value, list | tuple) else [value]
    for size in sizes:
        if not _is_whole(size) or size < _LEAST_MEMORY_MIB:
            raise broken(
                f"must be a whole number of at least {_LEAST_MEMORY_MIB}, in MiB, or as `4GiB`, or "
                "a rising list of them",
                size,
            )
    if not 1 <= len(sizes) <= _MOST_MEMORY_SIZES:
        raise broken(f"must have 1 to {_MOST_MEMORY_SIZES} sizes, has {len(sizes)}")
    for before, size in itertools.pairwise(sizes):
        if size <= before:
            raise broken(f"must rise from size to size, has {size} after {before}")
    return tuple(sizes) if isinstance(value, list) else value


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


# Load balancers and target groups have the tightest names of all that we create: 32 characters,
# letters, digits and hyphens, not beginning with `internal-` (Elastic Load Balancing API,
# CreateLoadBalancer); a security group's name must not begin with `sg-` (EC2, CreateSecurityGroup).
# The load balancer's host begins with it: where two hyphens are its third and fourth character,
# many clients refuse the host (RFC 5891, 4.2.3.1).
Name = Annotated[
    str,
    Matching(
        r"(?!internal-|sg-)(?!.*--)[a-z][a-z0-9-]{0,18}[a-z0-9]",
        "must have 2 to 20 lower-case letters, digits and hyphens, begin with a letter, "
        "not end with a hyphen, have no two hyphens in a row, and not begin with `internal-` "
        "or `sg-`",
    ),
]
Region = Annotated[
    str, Matching(r"[a-z]{2,}(-[a-z]+)+-[0-9]+", "must be an AWS region such as `eu-central-1`")
]
AccountId = Annotated[
    str, Matching(r"[0-9]{12}", 'must be an AWS account id, 12 digits in quotes ("123456789012")')
]
# Tags: what every service that we tag takes (EC2 user guide, "Tag your Amazon EC2 resources").
TagKey = Annotated[
    str,
    Matching(r"[A-Za-z0-9 +\-=._:/@]{1,128}", "must be 1 to 128 letters, digits, spaces, +-=._:/@"),
]
TagValue = Annotated[
    str,
    Matching(r"[A-Za-z0-9 +\-=._:/@]{0,256}", "must be 256 letters, digits, spaces, +-=._:/@"),
]
# 50 tags a resource everywhere; five are left for our own.
Endpoint = Annotated[
    str,
    Field(max_length=300),
    Matching(
        r"https?://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*",
        "must be a URL such as `https://batch.example.com`, without a slash at its end",
    ),
]
# Amazon S3 user guide, "General purpose buckets naming rules" and "Naming Amazon S3 objects".
StateAddress = Annotated[
    str,
    Field(max_length=300),
    Matching(
        r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!_.*'()-]+)*",
        "must be a bucket and a prefix such as `s3://company-state/batchctl`",
    ),
]
Requires = Annotated[str, Field(max_length=100), AfterValidator(_versions)]
Leave = Annotated[
    Mapping[
        Annotated[str, Matching(r"[a-z_]+\.[a-z_]+", "must be an address such as `log_group.api`")],
        Annotated[
            tuple[Annotated[str, Field(min_length=1, max_length=500)], ...],
            Field(strict=False),
            AfterValidator(_filled),
        ],
    ],
    Field(max_length=100),
]
Tags = Annotated[Mapping[TagKey, TagValue], Field(max_length=43), AfterValidator(_tags)]

Network = Annotated[str, AfterValidator(_network)]
# Amazon VPC quotas: 60 inbound rules a security group.
Networks = Annotated[
    tuple[Network, ...],
    Field(strict=False, max_length=60),
    AfterValidator(_filled),
    AfterValidator(_unique),
]
PythonVersion = Annotated[
    str, Matching(r"3\.[0-9]{1,2}", 'must be a Python version in quotes, such as "3.13"')
]
# ALB: a certificate of ACM, or a server certificate of IAM (user guide, "HTTPS listeners").
CertificateArn = Annotated[
    str,
    Matching(
        r"arn:aws[a-z-]*:(acm:[a-z0-9-]+:[0-9]{12}:certificate/[A-Za-z0-9-]+"
        r"|iam::[0-9]{12}:server-certificate/[\w+=,.@/-]+)",
        "must be the ARN of an ACM certificate or an IAM server certificate",
    ),
]
# IAM API reference, CreateRole: `PermissionsBoundary` and `Path`.
PolicyArn = Annotated[
    str,
    Matching(
        r"arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[\w+=,.@/-]+",
        "must be the ARN of a managed policy (`arn:aws:iam::ACCOUNT:policy/NAME`)",
    ),
]
IamPath = Annotated[
    str,
    Matching(
        r"/|/(?!aws-service-role/)[\w+=,.@/-]{1,510}/",
        "must begin and end with a slash (`/batch/`)",
    ),
]
# AWS WAF API reference, AssociateWebACL: regional, where one for CloudFront is global.
WebAclArn = Annotated[
    str,
    Matching(
        r"arn:aws[a-z-]*:wafv2:[a-z0-9-]+:[0-9]{12}:regional/webacl/[A-Za-z0-9_-]+/[a-f0-9-]+",
        "must be the ARN of a regional AWS WAF web ACL "
        "(`arn:aws:wafv2:REGION:ACCOUNT:regional/webacl/NAME/ID`)",
    ),
]
# Amazon S3 user guide, "General purpose bucket naming rules".
BucketName = Annotated[
    str,
    Matching(
        r"(?!xn--)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
        "must be the name of an S3 bucket: 3 to 63 lower-case letters, digits, dots, hyphens",
    ),
]
# Elastic Load Balancing guide, "Access logs for your Application Load Balancer".
LogPrefix = Annotated[
    str,
    Matching(
        r"(?!.*AWSLogs)([A-Za-z0-9!_.*'()-]([A-Za-z0-9!_.*'()/-]{0,253}[A-Za-z0-9!_.*'()-])?)?",
        "must be a prefix without `AWSLogs` in it, and without a slash at its ends",
    ),
]
VpcId = Annotated[
    str, Matching(r"vpc-[0-9a-f]{8,17}", "must be a VPC's id such as `vpc-0a1b2c3d4e5f67890`")
]
SubnetId = Annotated[
    str,
    Matching(r"subnet-[0-9a-f]{8,17}", "must be a subnet's id such as `subnet-0a1b2c3d4e5f67890`"),
]
# Lambda takes 16 subnets (Lambda API, VpcConfig), AWS Batch as many (ComputeResource).
Subnets = Annotated[
    tuple[SubnetId, ...], Field(strict=False, max_length=16), AfterValidator(_unique)
]

# AWS Batch: at most 255 characters (API, ContainerProperties).
ImageReference = Annotated[
    str,
    Field(max_length=255),
    Matching(
        r"([A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]+)?/)?"
        r"[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*"
        r"(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127}|(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?@sha256:[0-9a-f]{64})",
        "must be an image with its tag or, better, its digest "
        "(`REGISTRY/REPOSITORY:TAG`, `REGISTRY/REPOSITORY@sha256:…`)",
    ),
]
Folder = Annotated[str, Matching(r"[^\0]*[^\0\s][^\0]*", "must name a folder")]
IncludedFile = Annotated[
    str,
    Matching(
        r"(?!(?:.*/)?\.{1,2}(?:/|$))[^\0/]+(/[^\0/]+)*",
        "must be the path of a file or folder below `compute.build`, such as `certs/ca.pem`",
    ),
]
IncludedFiles = Annotated[tuple[IncludedFile, ...], Field(strict=False), AfterValidator(_unique)]
# AWS Batch refuses a command with an empty word (API, ContainerOverrides).
Command = Annotated[
    tuple[Annotated[str, Matching(r"[\s\S]+", "must not be empty")], ...],
    Field(strict=False),
    AfterValidator(_filled),
]
# AWS Batch API Reference, ContainerProperties, `user`: what `docker run --user` takes.
ContainerUser = Annotated[
    str,
    Field(max_length=64),
    Matching(
        r"([0-9]+|[A-Za-z_][A-Za-z0-9_.-]*)(:([0-9]+|[A-Za-z_][A-Za-z0-9_.-]*))?",
        "must be a user, and if need be a group, by name or number (`65534:65534`)",
    ),
]
BuilderOptions = Annotated[tuple[str, ...], Field(strict=False), AfterValidator(_builder_options)]
EnvironmentName = Annotated[
    str,
    Matching(
        r"[A-Za-z_][A-Za-z0-9_]*",
        "must have letters, digits and underscores, and not begin with a digit",
    ),
]
Environment = Annotated[Mapping[EnvironmentName, str], AfterValidator(_environment)]
InstanceType = Annotated[
    str,
    Matching(
        r"default_x86_64|default_arm64|optimal|[a-z][a-z0-9-]*(\.[a-z0-9-]+)?",
        "must be an instance family (`c7i`), a type (`c7i.large`), `default_x86_64` or "
        "`default_arm64`",
    ),
    AfterValidator(_instance_type),
]
InstanceTypes = Annotated[
    tuple[InstanceType, ...],
    Field(strict=False),
    AfterValidator(_filled),
    AfterValidator(_unique),
]

ItemsPerTask = Annotated[
    Annotated[int, Field(ge=1, le=MAX_ITEMS_PER_TASK)] | Literal["auto"],
    BeforeValidator(_items_per_task),
]
MemorySize = Annotated[int, Field(ge=_LEAST_MEMORY_MIB)]
MemorySizes = Annotated[
    MemorySize | Annotated[tuple[MemorySize, ...], Field(max_length=_MOST_MEMORY_SIZES)],
    BeforeValidator(_memory_sizes),
    AsMemory(),
]

Architecture = Literal["x86_64", "arm64"]
Port = Annotated[int, Field(ge=1, le=HIGHEST_PORT)]
LocalPort = Annotated[Port | Literal["auto"], BeforeValidator(_local_port)]
LogRetentionDays = Annotated[
    int,
    Field(json_schema_extra={"enum": list(_LOG_RETENTION_DAYS)}),
    AfterValidator(_log_retention),
]
