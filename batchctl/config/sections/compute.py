"""How items are processed: image, container, machines, limits."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from batchctl.config.sections.section import Section
from batchctl.config.values import (
    Architecture,
    BuilderOptions,
    Command,
    ContainerUser,
    Environment,
    Folder,
    ImageReference,
    IncludedFiles,
    InstanceTypes,
    ItemsPerTask,
    LogRetentionDays,
    MemorySizes,
    PythonVersion,
)


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

    `4GiB` is the same as 4096. What uses more is killed. With a list, such as
    `[1GiB, 4GiB, 16GiB]`, items that ran out of memory run again with the next size, in the same
    job.
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
