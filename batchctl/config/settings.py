"""Every setting of an application with its default: THE place where defaults live.

A text under a field is its description; editors show it from the JSON Schema. A value of null means
the default, everywhere. Rules between settings are in `rules`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from batchctl.config import rules
from batchctl.config.problems import conflict, problems_of
from batchctl.config.values import (
    AccountId,
    ApiMode,
    Architecture,
    Auth,
    BucketName,
    BuilderOptions,
    CertificateArn,
    Command,
    ContainerUser,
    Environment,
    Folder,
    ImageReference,
    IncludedFiles,
    InstanceTypes,
    LogPrefix,
    LogRetentionDays,
    Name,
    Networks,
    Port,
    Region,
    Subnets,
    Tags,
    VpcId,
    WebAclArn,
)
from batchctl.errors import UsageError

HTTP_TIMEOUT_S: Final = 29
"""Timeout of the receiver and the API: API Gateway waits no longer (API, PutIntegration)."""


class Section(BaseModel):
    """A group of settings: frozen, without unknown keys, types taken as they stand."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True
    )

    @model_validator(mode="before")
    @classmethod
    def _null_means_default(cls, data: object) -> object:
        if not isinstance(data, dict):
            return data
        known = cls.model_fields
        return {key: value for key, value in data.items() if value is not None or key not in known}


class Api(Section):
    """The front door: where jobs are submitted and read."""

    mode: ApiMode = "alb"
    """`alb`: a load balancer that listens on `port`. `restapi`: API Gateway, over HTTPS."""
    auth: Auth = "none"
    """`none`: whoever reaches the endpoint may use it. `iam`: signed requests only (`restapi`)."""
    assume_execute_role: bool = False
    """Whether the job commands sign as the API's execute role instead of as the caller (`iam`)."""
    port: Port = 9999
    """Port of the load balancer, locally too (in China 80, 443 and 8080 need an ICP filing)."""
    allowed_cidrs: Networks = ("0.0.0.0/0",)
    """Networks that may reach the load balancer. The default is everyone."""
    certificate_arn: CertificateArn | None = None
    """Certificate of ACM or IAM: the load balancer then speaks HTTPS. null: HTTP."""
    web_acl_arn: WebAclArn | None = None
    """Regional AWS WAF web ACL to put in front of the API. null: none."""
    access_log_bucket: BucketName | None = None
    """S3 bucket for the load balancer's access log, with a policy that allows it. null: no log."""
    access_log_prefix: LogPrefix = ""
    """Where in the bucket the access log is."""
    requests_per_second: Annotated[int, Field(ge=1, le=10_000)] = 500
    """Requests that API Gateway lets through in a second, all callers together (`restapi`)."""
    burst_requests: Annotated[int, Field(ge=1, le=5_000)] = 1000
    """Requests at once that API Gateway lets through (`restapi`)."""
    log_retention_days: LogRetentionDays = 7
    """Days to keep API Gateway's logs of requests and of errors (`restapi`)."""


class Network(Section):
    """Where things run. What is left out is looked up in the VPC."""

    vpc_id: VpcId | None = None
    """The VPC. null: the default VPC of the region."""
    compute_subnet_ids: Subnets = ()
    """Subnets of the compute instances. Empty: private ones with a way out, else public ones."""
    load_balancer_subnet_ids: Subnets = ()
    """Public subnets of the load balancer, in two zones at least. Empty: looked up."""
    function_subnet_ids: Subnets = ()
    """Subnets of the functions. Empty: outside the VPC, as nothing that they call is in it."""


class Compute(Section):
    """The work on the items: the container, the machines, and how often to try."""

    image: ImageReference | None = None
    """The container's image, by digest or tag. null: built from the folder `build`."""
    build: Folder = "compute"
    """The folder that the image is built from, beside config.yaml; it has a Dockerfile."""
    include_files: IncludedFiles = ()
    """Files or folders of `build` that go into the image although their names are of secrets."""
    base_image: ImageReference | None = None
    """The Dockerfile's build argument BASE. null: the Dockerfile's own."""
    builder: Literal["auto", "docker", "podman", "finch"] = "auto"
    """What builds the image. auto: the first of them that is here and works."""
    builder_options: BuilderOptions = ()
    """Options before each of the builder's commands, such as `--storage-driver`."""
    keep_images: Annotated[int, Field(ge=1, le=1000)] = 5
    """Built images to keep, besides those that an active job definition uses."""
    keep_revisions: Annotated[int, Field(ge=1, le=1000)] = 5
    """Revisions of the job definition to keep, besides those that unfinished jobs use."""
    command: Command | None = None
    """Command of the container. null: the runner in our image, which calls compute.py."""
    user: ContainerUser | None = None
    """User of the container, a name or `UID:GID`. null: the image's own (ours: 65534, not root)."""
    architecture: Architecture = "x86_64"
    """Processor of the machines, for which the image is built (a named one must be for it)."""
    vcpus: Annotated[int, Field(ge=1)] = 1
    """vCPUs of one task."""
    memory_mib: Annotated[int, Field(ge=4)] = 1024
    """Memory of one task in MiB; a task that takes more is killed."""
    timeout_s: Annotated[int, Field(ge=60)] = 3600
    """Seconds that an attempt at a task may take (AWS Batch: 60 at least)."""
    retries: Annotated[int, Field(ge=1, le=10)] = 3
    """Tries for an item in all, when compute.py raises."""
    attempts: Annotated[int, Field(ge=1, le=10)] = 10
    """Attempts at a task in all, when its machine is taken away (Spot) or fails."""
    items_per_task: Annotated[int, Field(ge=1, le=10_000)] = 1
    """Items that a task works on, one after the other. More of them spare starts of containers."""
    environment: Environment = Field(default_factory=dict)
    """Environment of the container. Not for secrets: the job definition shows it."""
    instance_types: InstanceTypes | None = None
    """Instance families or types. null: AWS Batch's own choice for the architecture."""
    min_vcpus: Annotated[int, Field(ge=0)] = 0
    """vCPUs that are kept (and paid) when there is nothing to do."""
    max_vcpus: Annotated[int, Field(ge=1)] = 128
    """vCPUs at most, on Spot and again on demand."""
    on_demand_fallback: bool = True
    """Whether jobs run on demand where Spot has no capacity."""
    log_retention_days: LogRetentionDays = 7
    """Days to keep the logs of the containers."""

    @property
    def chosen_instance_types(self) -> tuple[str, ...]:
        """`instance_types`, or AWS Batch's own choice for the architecture.

        `optimal` is the older name of `default_x86_64`, which other clouds know as well.
        """
        default = "optimal" if self.architecture == "x86_64" else "default_arm64"
        return self.instance_types or (default,)


class Queue(Section):
    """The queue between the receiver and the splitter, and its dead letters."""

    retention_days: Annotated[int, Field(ge=1, le=14)] = 7
    """Days that a submitted job waits to be split (SQS: 14 at most)."""
    dead_letter_retention_days: Annotated[int, Field(ge=1, le=14)] = 14
    """Days to keep what could not be split; counted from when it was sent."""
    max_receive_count: Annotated[int, Field(ge=1, le=1000)] = 5
    """Tries to split a job before it goes to the dead letters (Lambda advises 5 or more)."""


class JobTable(Section):
    """The table of jobs and results."""

    point_in_time_recovery: bool = True
    """Continuous backups: the table can be restored to any second of the last 35 days."""
    deletion_protection: bool = True
    """Refuses to delete the table by other means than `batchctl down --delete-data`."""
    max_write_units: Annotated[int, Field(ge=1)] | None = None
    """Write request units a second that the table takes at most. null: what comes."""
    keep_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    """Days to keep a job after its end. null: for ever."""


class Functions(Section):
    """The functions: receiver, splitter, API and tracker."""

    runtime: Literal["python3.11", "python3.12", "python3.13", "python3.14"] = "python3.13"
    """The Lambda runtime."""
    architecture: Architecture | None = None
    """Processor. null: arm64 in partition aws, x86_64 in the others."""
    memory_mib: Annotated[int, Field(ge=128, le=10_240)] = 1769
    """Memory in MiB; Lambda gives processor time in proportion, a whole vCPU at 1769."""
    timeout_s: Annotated[int, Field(ge=1, le=900)] = 60
    """Seconds that the splitter may take. The HTTP functions have 29, as API Gateway waits."""
    tracing: bool = True
    """X-Ray traces, where the partition has them."""
    reserved_concurrency: Annotated[int, Field(ge=1)] | None = None
    """How often the receiver, and the API, run at once at most. null: as the account allows."""
    log_retention_days: LogRetentionDays = 7
    """Days to keep the logs of the functions."""

    @property
    def visibility_timeout_s(self) -> int:
        """The queue's: six times the splitter's (Lambda guide, "SQS event source mapping")."""
        return 6 * self.timeout_s


class Local(Section):
    """The application on this machine (`--local`)."""

    gateway_port: Port = 4566
    """Port of the local AWS."""
    executor: Literal["process", "container"] = "process"
    """How tasks run: as processes of this machine, or in containers of the built image."""
    vcpus: Annotated[int, Field(ge=1)] | None = None
    """vCPUs for tasks. null: as many as the machine has."""


class Config(Section):
    """The settings of one application, as config.yaml has them; all have defaults."""

    name: Name = "batchapp"
    """Name of the stack: everything that is created begins with it."""
    region: Region | None = None
    """AWS region. null: that of the environment or the profile."""
    account_id: AccountId | None = None
    """The only account to deploy to, 12 digits in quotes. null: that of the credentials."""
    tags: Tags = Field(default_factory=dict)
    """Tags of everything that can be tagged."""
    api: Api = Field(default_factory=Api)
    network: Network = Field(default_factory=Network)
    compute: Compute = Field(default_factory=Compute)
    queue: Queue = Field(default_factory=Queue)
    job_table: JobTable = Field(default_factory=JobTable)
    functions: Functions = Field(default_factory=Functions)
    local: Local = Field(default_factory=Local)

    @model_validator(mode="after")
    def _no_conflicts(self) -> Self:
        if problems := tuple(rules.conflicts(self)):
            raise conflict(problems)
        return self

    def with_flags(self, api_mode: str | None = None, auth: str | None = None) -> Config:
        """Copy with what flags of `up` override; None is a flag that was not given.

        Raises UsageError, naming the flags, when the result breaks a rule.
        """
        flags = {"mode": api_mode, "auth": auth}
        given = {key: value for key, value in flags.items() if value is not None}
        data: dict[str, Any] = self.model_dump()
        try:
            return Config.model_validate({**data, "api": {**data["api"], **given}})
        except ValidationError as error:
            raise _flag_error(given, error) from None


def _flag_error(given: Mapping[str, str], error: ValidationError) -> UsageError:
    names = {"mode": "--api-mode", "auth": "--auth"}
    flags = " and ".join(f"`{names[key]} {value}`" for key, value in given.items())
    rules_broken = "; ".join(str(problem) for problem in problems_of(error))
    return UsageError(f"could not use {flags}: {rules_broken}")
