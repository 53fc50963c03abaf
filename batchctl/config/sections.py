"""Every section of config.yaml: THE place where names, defaults and descriptions of settings live.

The text under a field describes it: its first paragraph is the comment in config.yaml, all of it is
in docs/config.md and in the JSON Schema. `make docs` writes them and adds what the type says
(choices, bounds), so that no text repeats it. Links are relative to docs/config.md.

A value of null means the default, everywhere. Rules between settings are in `rules`.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from batchctl.config.values import (
    Architecture,
    BucketName,
    BuilderOptions,
    CertificateArn,
    Command,
    ContainerUser,
    Environment,
    Folder,
    IamPath,
    ImageReference,
    IncludedFiles,
    InstanceTypes,
    ItemsPerTask,
    LocalPort,
    LogPrefix,
    LogRetentionDays,
    MemorySizes,
    Networks,
    PolicyArn,
    Port,
    PythonVersion,
    Subnets,
    VpcId,
    WebAclArn,
)
from batchctl.contract.front_doors import ALB, Auth, Mode

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
    """How the API is exposed, and who can call it."""

    mode: Mode = ALB.mode
    """`alb`: load balancer; `restapi`: API Gateway over HTTPS.

    `up --api-mode` overrides it.
    """
    auth: Auth = "none"
    """`none`: no authentication; `iam`: signed requests only.

    `iam` needs `api.mode: restapi`, as a load balancer can't check IAM signatures. `up --auth`
    overrides it.
    """
    assume_execute_role: bool = False
    """Sign job commands as the API's execute role (`iam`).

    With `api.auth: iam`, `submit`, `show` and the other job commands assume the API's execute
    role instead of signing as the caller, who needs permission to assume it.
    `--assume-api-role` does it for one command.
    """
    port: Port = 9999
    """Port of the load balancer and of the local API.

    With `--local` the API listens on 127.0.0.1. In China, ports 80, 443 and 8080 need an ICP
    filing.
    """
    allowed_cidrs: Networks = ("0.0.0.0/0",)
    """Networks that can reach the load balancer.

    IPv4 or IPv6; the default is everyone. `restapi` accepts the default only, as API Gateway
    has no security group.
    """
    certificate_arn: CertificateArn | None = None
    """ACM or IAM certificate for HTTPS; null: plain HTTP.

    Of the load balancer: API Gateway always uses HTTPS.
    """
    web_acl_arn: WebAclArn | None = None
    """Regional AWS WAF web ACL for the API; null: none.

    It is associated with the load balancer or the stage of the API. See [What a stranger can
    cost](#what-a-stranger-can-cost).
    """
    access_log_bucket: BucketName | None = None
    """S3 bucket for the load balancer's access log; null: no log.

    It must be in the same region and have a policy that lets Elastic Load Balancing write to
    it. `alb` only: API Gateway logs to CloudWatch Logs.
    """
    access_log_prefix: LogPrefix = ""
    """Prefix of the access log's object keys.

    Without `AWSLogs` in it, and without a slash at either end.
    """
    requests_per_second: Annotated[int, Field(ge=1, le=10_000)] = 500
    """API Gateway's rate limit for all callers.

    Requests above it are answered with 429. `restapi` only.
    """
    burst_requests: Annotated[int, Field(ge=1, le=5_000)] = 1000
    """API Gateway's burst limit for all callers.

    `restapi` only.
    """
    log_retention_days: LogRetentionDays = 7
    """Days to keep API Gateway's logs (`restapi`).

    That is its access log and its error log.
    """


class Network(Section):
    """Where things run; what is left out is looked up in the VPC."""

    vpc_id: VpcId | None = None
    """VPC; null: the region's default VPC."""
    compute_subnet_ids: Subnets = ()
    """Subnets of the compute instances; []: looked up.

    By default private subnets with a route out; if there are none, public subnets that assign
    addresses.
    """
    load_balancer_subnet_ids: Subnets = ()
    """Public subnets of the load balancer; []: looked up.

    At least two, in different zones.
    """
    function_subnet_ids: Subnets = ()
    """Subnets of the functions; []: outside the VPC.

    Inside a VPC the functions need a NAT gateway or VPC endpoints. Nothing that they call is in
    the VPC.
    """


class Compute(Section):
    """How items are processed: the container, its machines, and how often to try."""

    image: ImageReference | None = None
    """Image with tag or digest; null: built from `build`.

    See [The image](compute.md#the-image).
    """
    build: Folder = "compute"
    """Folder of compute.py, which the image is built from.

    Relative to config.yaml. It has `compute.py`, or a `Dockerfile` of your own. If `compute` does
    not exist, the packaged sample is used.
    """
    include_files: IncludedFiles = ()
    """Secret-like file names to allow in the image, e.g. [.env].

    Files or folders below `compute.build` that are otherwise left out: see [Secrets stay
    out](compute.md#secrets-stay-out).
    """
    python: PythonVersion = "3.13"
    """Python of the image, e.g. "3.12"; a `base_image` has its own.

    The default base image is the official one of this version.
    """
    base_image: ImageReference | None = None
    """Base image; null: the official Python image, slim.

    In a Dockerfile of your own it is the build argument `BASE`. For networks where public
    registries are slow or unreachable, or for more in the image than Python packages.
    """
    builder: Literal["auto", "batchctl", "docker", "podman", "finch"] = "auto"
    """Builds the image.

    `batchctl` makes it without Docker, which needs no Dockerfile and takes none. `auto`: that,
    where the folder has no Dockerfile, else the first of the others that is installed and works.
    """
    builder_options: BuilderOptions = ()
    """Options before each of the builder's commands.

    For example `[--storage-driver, vfs]`: `--cgroup-manager`, `--context`, `--events-backend`,
    `--log-level`, `--runtime`, `--storage-driver`, each with a plain name. All others, which name
    programs, folders or hosts, belong in the environment variable `BATCHCTL_BUILDER_OPTIONS`,
    which is added: a config.yaml that came with a repository runs nothing by them.
    """
    keep_images: Annotated[int, Field(ge=1, le=1000)] = 5
    """Built images to keep, besides those in use.

    An image is in use while an active job definition refers to it.
    """
    keep_revisions: Annotated[int, Field(ge=1, le=1000)] = 5
    """Job definition revisions to keep.

    Revisions that unfinished jobs use are kept as well.
    """
    command: Command | None = None
    """Command of the container; null: batchctl's runner.

    A list of words. The runner calls `compute()` of `compute.py`. With `compute.image`, null is
    the image's own command.
    """
    user: ContainerUser | None = None
    """User in the container, e.g. "1000:1000"; null: the image's.

    A name or number, optionally with a group. The image that batchctl builds runs as 65534, not
    as root. For an image that would run as root, see [As which user](compute.md#as-which-user).
    """
    architecture: Architecture = "x86_64"
    """Processor of the machines.

    The image is built for it. A named image and the instance types must match it.
    """
    vcpus: Annotated[int, Field(ge=1)] = 1
    """vCPUs of one task."""
    memory_mib: MemorySizes = 1024
    """Memory of a task, in MiB, or a rising list.

    What uses more is killed. With a list, such as `[1024, 4096, 16384]`, items that ran out of
    memory run again with the next size, in the same job.
    """
    timeout_s: Annotated[int, Field(ge=1)] = 3600
    """Time limit of an item, in seconds.

    All its tries together. The time limit of a task follows from it, from the items of the task
    and from `processes`. An item that times out is not tried again.
    """
    tries: Annotated[int, Field(ge=1, le=10)] = 3
    """Calls of `compute()` for an item at most.

    The first call included: when `compute()` raises, it is called again after a pause. Older
    versions call this setting `retries`.
    """
    attempts: Annotated[int, Field(ge=1, le=10)] = 10
    """Attempts at a task at most.

    The first attempt included: there is another one when Spot reclaims the machine, or the
    machine fails.
    """
    items_per_task: ItemsPerTask = "auto"
    """Items of one task; `auto`: chosen for each job.

    `auto` gives each item a task of its own while all of them can run at once, and a longer list
    tasks of up to 1,000 items, eight rounds of them. For an image without batchctl's runner `auto`
    is 1. `batchctl submit --items-per-task` chooses for one job.
    """
    processes: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Items a task runs at a time; null: one per vCPU.

    Each item has a process of its own; they share the task's memory.
    """
    environment: Environment = Field(default_factory=dict)
    """Environment variables of the container; no secrets.

    Anyone who can read the job definition can read them. At most 20 KiB; names that AWS Batch
    or batchctl sets are refused.
    """
    instance_types: InstanceTypes | None = None
    """Families or types, e.g. [c7i, m7i.large]; null: automatic.

    null leaves the choice to AWS Batch: `optimal` for x86_64, `default_arm64` for arm64.
    """
    min_vcpus: Annotated[int, Field(ge=0)] = 0
    """vCPUs kept running, and paid for, while idle."""
    max_vcpus: Annotated[int, Field(ge=1)] = 128
    """vCPUs on Spot at most, and as many on demand."""
    on_demand_fallback: bool = True
    """Run jobs on demand where Spot has no capacity."""
    log_retention_days: LogRetentionDays = 7
    """Days to keep the containers' logs."""

    @property
    def chosen_instance_types(self) -> tuple[str, ...]:
        """`instance_types`, or AWS Batch's own choice for the architecture.

        `optimal` is the older name of `default_x86_64`, which other clouds know as well.
        """
        default = "optimal" if self.architecture == "x86_64" else "default_arm64"
        return self.instance_types or (default,)

    @property
    def has_runner(self) -> bool:
        """Whether the container runs batchctl's runner: an image of ours, by our command."""
        return self.image is None and self.command is None

    @property
    def memory_sizes_mib(self) -> tuple[int, ...]:
        """`memory_mib` as a list, the first size first."""
        sizes = self.memory_mib
        return (sizes,) if isinstance(sizes, int) else sizes

    @property
    def items_at_once(self) -> int:
        """How many items a task works on at a time."""
        return self.processes or self.vcpus


class Queue(Section):
    """The queue between the receiver and the splitter, and its dead-letter queue."""

    retention_days: Annotated[int, Field(ge=1, le=14)] = 7
    """Days that a submitted job can wait to be split.

    Less than `queue.dead_letter_retention_days`.
    """
    dead_letter_retention_days: Annotated[int, Field(ge=1, le=14)] = 14
    """Days to keep a job that could not be split.

    More than `queue.retention_days`: a message's age counts from when it was first sent.
    """
    max_receive_count: Annotated[int, Field(ge=1, le=1000)] = 5
    """Tries to split a job before it is a dead letter.

    Lambda recommends 5 or more.
    """


class JobTable(Section):
    """The DynamoDB table of jobs and results."""

    point_in_time_recovery: bool = True
    """Continuous backups of the last 35 days.

    The table can be restored to any second of them.
    """
    deletion_protection: bool = True
    """Only `batchctl down --delete-data` deletes the table."""
    max_write_units: Annotated[int, Field(ge=1)] | None = None
    """Write request units a second; null: no limit.

    Writes above the limit are refused: a submit is answered with an error, results are written
    later.
    """
    keep_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    """Days to keep a job after its end; null: forever.

    See [How long jobs are kept](#how-long-jobs-are-kept).
    """


class Functions(Section):
    """The Lambda functions: receiver, splitter, API and tracker."""

    runtime: Literal["python3.11", "python3.12", "python3.13", "python3.14"] = "python3.13"
    """Runtime."""
    architecture: Architecture | None = None
    """Processor; null: arm64 in partition aws, x86_64 elsewhere."""
    memory_mib: Annotated[int, Field(ge=128, le=10_240)] = 1769
    """Memory in MiB; 1769 gives one full vCPU.

    CPU time is in proportion to memory.
    """
    timeout_s: Annotated[int, Field(ge=1, le=900)] = 60
    """Time limit of the splitter, in seconds.

    The queue's visibility timeout is six times that. The HTTP functions have 29 s, as API
    Gateway waits no longer.
    """
    tracing: bool = True
    """X-Ray traces, where the partition has X-Ray."""
    reserved_concurrency: Annotated[int, Field(ge=1)] | None = None
    """Concurrency of receiver and API; null: no limit.

    That many executions of each of the two functions are reserved, and no more run at once.
    """
    log_retention_days: LogRetentionDays = 7
    """Days to keep the functions' logs."""

    @property
    def visibility_timeout_s(self) -> int:
        """The queue's: six times the splitter's (Lambda guide, "SQS event source mapping")."""
        return 6 * self.timeout_s


class Iam(Section):
    """What an organisation asks of the IAM roles that are made."""

    permissions_boundary: PolicyArn | None = None
    """Permissions boundary of every role; null: none.

    The ARN of a managed policy. Where a service control policy demands one, `up` without it is
    refused.
    """
    path: IamPath = "/"
    """Path of every role and instance profile, e.g. /batch/.

    It begins and ends with a slash. Another path makes the roles anew, under other names.
    """


class Local(Section):
    """The application on this machine (`batchctl --local`)."""

    gateway_port: LocalPort = "auto"
    """Port of the local AWS; `auto`: 4566 or next.

    It listens on 127.0.0.1. The local cloud keeps the port that it got.
    """
    api_port: LocalPort = "auto"
    """Port of the local API; `auto`: api.port or next.

    Where another application's local cloud has the port, this one gets the next free port, says so,
    and keeps it.
    """
    executor: Literal["process", "container"] = "process"
    """How tasks run.

    `process`: as processes of this machine. `container`: in containers of the image, which is
    then built here.
    """
    vcpus: Annotated[int, Field(ge=1)] | None = None
    """vCPUs for tasks; null: all of the machine's."""
