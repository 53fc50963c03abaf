"""What runs the jobs: the network, AWS Batch on Spot and on demand, the job definition."""

from __future__ import annotations

from dataclasses import dataclass

from batchctl.config import Config
from batchctl.contract.environment import Container
from batchctl.contract.front_doors import FRONT_DOORS
from batchctl.image.recipe import Recipe
from batchctl.packaging import RUNNER_COMMAND
from batchctl.resource import Output
from batchctl.resources.batch.definitions import JobDefinition
from batchctl.resources.batch.environments import ComputeEnvironment
from batchctl.resources.batch.queues import JobQueue
from batchctl.resources.batch.scheduling_policies import SchedulingPolicy
from batchctl.resources.ec2.network import Network
from batchctl.resources.ec2.security_groups import SecurityGroup
from batchctl.resources.ecr.images import Image
from batchctl.resources.ecr.repositories import Repository
from batchctl.resources.iam.profiles import ServiceLinkedRole
from batchctl.resources.iam.roles import Role
from batchctl.resources.logs import LogGroup
from batchctl.stack.instances import Used, build_instance_profile, build_launch_template
from batchctl.stack.permissions import job_permissions
from batchctl.stack.storage import Storage
from batchctl.stack.tasks import container, longest_attempt_s

# What a share has used counts half as much after a third of this: turns are of minutes, not days.
SHARE_DECAY_S = 600


@dataclass(frozen=True)
class Surroundings:
    """What the stack depends on beside config.yaml.

    `machine_vcpus` is what all tasks share on the local cloud, None in AWS. `earlier_containers`:
    containers of a version that recorded results under the job's own key may still run.
    """

    machine_vcpus: int | None = None
    earlier_containers: bool = False


IN_AWS = Surroundings()


@dataclass(frozen=True)
class Batch:
    """What runs the jobs; `on_demand_queue` is for retries that are to be spared Spot, if any.

    `machine_vcpus` is what all tasks share on the local cloud, None in AWS.
    """

    queue: JobQueue
    definition: JobDefinition
    on_demand_queue: JobQueue | None
    machine_vcpus: int | None = None

    @property
    def queues(self) -> tuple[JobQueue, ...]:
        """The job queues that there are."""
        return (self.queue,) if self.on_demand_queue is None else (self.queue, self.on_demand_queue)


def build_network(config: Config) -> Network:
    """Return where things run: looked up, never made."""
    return Network(
        label="network",
        name=config.network.vpc_id or "default VPC",
        vpc_id=config.network.vpc_id,
        compute_subnet_ids=tuple(config.network.compute_subnet_ids),
        load_balancer_subnet_ids=tuple(config.network.load_balancer_subnet_ids),
        function_subnet_ids=tuple(config.network.function_subnet_ids),
        needs_load_balancer=FRONT_DOORS[config.api.mode].in_vpc,
        load_balancer_name=f"{config.name}-api",
    )


def build_batch(
    config: Config,
    network: Network,
    storage: Storage,
    image: str | Recipe,
    surroundings: Surroundings,
) -> Batch:
    """Return the job queues with their compute environments, the definition that runs `image`."""
    log_group = LogGroup(
        label="compute",
        name=f"/batchctl/{config.name}/compute",
        retention_days=config.compute.log_retention_days,
    )
    used = Used(
        environments=tuple(_environment_names(config).values()),
        log_group=log_group.name,
        repository=None if isinstance(image, str) else _repository(config).name,
        image=image if isinstance(image, str) else None,
    )
    environments = _compute_environments(config, network, used)
    queue = JobQueue(
        label="compute",
        name=f"{config.name}-compute",
        compute_environments=environments,
        scheduling_policy=_scheduling_policy(config),
    )
    reference = image if isinstance(image, str) else Output(_built_image(config, image), "uri")
    role = _job_role(config, storage, surroundings)
    definition = _job_definition(config, storage, reference, role, log_group)
    on_demand = _on_demand_queue(config, environments)
    return Batch(queue, definition, on_demand, surroundings.machine_vcpus)


def _scheduling_policy(config: Config) -> SchedulingPolicy:
    """Return how jobs share a queue: each has a share of its own, and all shares weigh the same."""
    return SchedulingPolicy(
        label="compute", name=f"{config.name}-fair-share", share_decay_s=SHARE_DECAY_S
    )


def _on_demand_queue(
    config: Config, environments: tuple[ComputeEnvironment, ...]
) -> JobQueue | None:
    """Return the queue of the environment on demand alone; None where there is none."""
    on_demand = tuple(each for each in environments if each.model == "EC2")
    if not on_demand:
        return None
    return JobQueue(
        label="on_demand",
        name=f"{config.name}-on-demand",
        compute_environments=on_demand,
        scheduling_policy=_scheduling_policy(config),
    )


def _repository(config: Config) -> Repository:
    return Repository(label="compute", name=f"{config.name}-compute")


def _built_image(config: Config, recipe: Recipe) -> Image:
    """Return the image that is built and pushed into a repository of the stack's own."""
    repository = _repository(config)
    return Image(
        label="compute",
        name=f"{repository.name}:{recipe.contents}",
        repository=repository,
        recipe=recipe,
        keep=config.compute.keep_images,
    )


def _environment_names(config: Config) -> dict[str, str]:
    """Return the name of each compute environment by its label, Spot first."""
    labels = ("spot", "on_demand") if config.compute.on_demand_fallback else ("spot",)
    return {label: f"{config.name}-{label.replace('_', '-')}" for label in labels}


def _compute_environments(
    config: Config, network: Network, used: Used
) -> tuple[ComputeEnvironment, ...]:
    """Return Spot first, then, when asked for, on demand."""
    models = {"spot": "SPOT", "on_demand": "EC2"}
    profile = build_instance_profile(config, used)
    launch_template = build_launch_template(config)
    security_group = SecurityGroup(
        label="compute",
        name=f"{config.name}-compute",
        description="batchctl: compute instances, nothing comes in",
        network=network,
        ingress=(),
    )
    return tuple(
        ComputeEnvironment(
            label=label,
            name=name,
            model=models[label],
            network=network,
            security_group=security_group,
            instance_profile=profile,
            launch_template=launch_template,
            service_linked_role=ServiceLinkedRole(
                label="batch", name="AWSServiceRoleForBatch", service="batch"
            ),
            instance_types=config.compute.chosen_instance_types,
            min_vcpus=config.compute.min_vcpus,
            max_vcpus=config.compute.max_vcpus,
        )
        for label, name in _environment_names(config).items()
    )


def _job_role(config: Config, storage: Storage, surroundings: Surroundings) -> Role:
    return Role(
        label="job",
        name=f"{config.name}-job",
        permissions_boundary=config.iam.permissions_boundary,
        path=config.iam.path,
        trusts="ecs-tasks",
        allows=job_permissions(storage, earlier_containers=surroundings.earlier_containers),
    )


def _job_definition(
    config: Config, storage: Storage, image: str | Output, role: Role, log_group: LogGroup
) -> JobDefinition:
    return JobDefinition(
        label="compute",
        name=f"{config.name}-compute",
        image=image,
        command=_command(config),
        vcpus=config.compute.vcpus,
        memory_mib=config.compute.memory_sizes_mib[0],
        timeout_s=longest_attempt_s(config),
        attempts=config.compute.attempts,
        job_role=role,
        log_group=log_group,
        user=config.compute.user or "",
        environment={
            **config.compute.environment,
            Container.TABLE: Output(storage.table),
            **container(config),
        },
        keep=config.compute.keep_revisions,
    )


def _command(config: Config) -> tuple[str, ...]:
    """Return the container's command; none leaves a named image its own."""
    if config.compute.command:
        return tuple(config.compute.command)
    return () if config.compute.image else RUNNER_COMMAND
