"""The application: every resource and what it is wired to. THE architecture diagram, in code.

    client -> ALB -> TaskReceiver -> queue -> JobSplitter -> job queue (Spot, then on demand)
    -> compute container -> job table <- JobAPI <- ALB <- client

`build` wires the resources from config.yaml; an arrow is a field of a resource that holds another.
Nothing here calls AWS.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from batchctl.config import HTTP_TIMEOUT_S, Config
from batchctl.errors import UsageError
from batchctl.packaging import Package
from batchctl.resource import Output, Resource
from batchctl.resources.awslambda import EventSourceMapping, Function, Permission
from batchctl.resources.batch import ComputeEnvironment, JobDefinition, JobQueue
from batchctl.resources.dynamodb import Table
from batchctl.resources.ec2 import Ingress, SecurityGroup
from batchctl.resources.ec2_network import Network
from batchctl.resources.elbv2 import Listener, LoadBalancer, Rule, Target, TargetGroup
from batchctl.resources.iam import Allow, InstanceProfile, Role, ServiceLinkedRole
from batchctl.resources.logs import LogGroup
from batchctl.resources.sqs import Queue

SECONDS_A_DAY = 86_400
LOAD_BALANCER = "load_balancer.api"
QUEUES = ("queue.jobs", "queue.dead_letters")
TABLE_INDEX = "by_created_at"


@dataclass(frozen=True)
class _Storage:
    """Where requested jobs wait and where jobs and results are kept."""

    queue: Queue
    dead_letters: Queue
    table: Table


@dataclass(frozen=True)
class _Batch:
    """What runs the jobs."""

    queue: JobQueue
    definition: JobDefinition


@dataclass(frozen=True)
class _Functions:
    """The functions, and what feeds the splitter."""

    receiver: Function
    splitter: Function
    api: Function
    mapping: EventSourceMapping


def build(config: Config, *, image: str, package: Package) -> tuple[Resource[Any], ...]:
    """Return every resource of the application, dependencies first.

    `image` is what the job definition runs, `package` the code of the functions. Raises UsageError
    for a front door that this version doesn't build.
    """
    network = _network(config)
    storage = _storage(config)
    batch = _batch(config, network, storage, image)
    functions = _functions(config, network, storage, batch, package)
    return in_order((functions.mapping, *_front_door(config, network, functions)))


def in_order(resources: Sequence[Resource[Any]]) -> tuple[Resource[Any], ...]:
    """Return `resources` and all that they need, each once, dependencies first."""

    def walk(resource: Resource[Any]) -> Iterator[Resource[Any]]:
        for dependency in resource.dependencies:
            yield from walk(dependency)
        yield resource

    ordered = (each for resource in resources for each in walk(resource))
    return tuple({resource.address: resource for resource in ordered}.values())


def _network(config: Config) -> Network:
    return Network(
        label="network",
        name=config.network.vpc_id or "default VPC",
        vpc_id=config.network.vpc_id,
        compute_subnet_ids=tuple(config.network.compute_subnet_ids),
        load_balancer_subnet_ids=tuple(config.network.load_balancer_subnet_ids),
        function_subnet_ids=tuple(config.network.function_subnet_ids),
        needs_load_balancer=config.api.mode == "alb",
    )


def _storage(config: Config) -> _Storage:
    dead_letters = Queue(
        label="dead_letters",
        name=f"{config.name}-dead-letters",
        visibility_timeout_s=config.functions.visibility_timeout_s,
        retention_s=config.queue.dead_letter_retention_days * SECONDS_A_DAY,
    )
    queue = Queue(
        label="jobs",
        name=f"{config.name}-jobs",
        visibility_timeout_s=config.functions.visibility_timeout_s,
        retention_s=config.queue.retention_days * SECONDS_A_DAY,
        dead_letters=dead_letters,
        max_receive_count=config.queue.max_receive_count,
    )
    table = Table(
        label="jobs",
        name=f"{config.name}-jobs",
        partition_key="job_id",
        sort_key="item",
        index_name=TABLE_INDEX,
        index_partition_key="listing",
        index_sort_key="created_at",
        index_projection=("status", "items", "tasks", "finished_at"),
        point_in_time_recovery=config.job_table.point_in_time_recovery,
        deletion_protection=config.job_table.deletion_protection,
    )
    return _Storage(queue, dead_letters, table)


def _batch(config: Config, network: Network, storage: _Storage, image: str) -> _Batch:
    environments = _compute_environments(config, network)
    queue = JobQueue(
        label="compute", name=f"{config.name}-compute", compute_environments=environments
    )
    return _Batch(queue, _job_definition(config, storage, image))


def _compute_environments(config: Config, network: Network) -> tuple[ComputeEnvironment, ...]:
    """Return Spot first, then, when asked for, on demand."""
    models = {"spot": "SPOT", "on_demand": "EC2"}
    if not config.compute.on_demand_fallback:
        del models["on_demand"]
    profile = InstanceProfile(
        label="instance", name=f"{config.name}-instance", role=_instance_role(config)
    )
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
            name=f"{config.name}-{label.replace('_', '-')}",
            model=model,
            network=network,
            security_group=security_group,
            instance_profile=profile,
            service_linked_role=ServiceLinkedRole(
                label="batch", name="AWSServiceRoleForBatch", service="batch"
            ),
            instance_types=config.compute.chosen_instance_types,
            min_vcpus=config.compute.min_vcpus,
            max_vcpus=config.compute.max_vcpus,
        )
        for label, model in models.items()
    )


def _instance_role(config: Config) -> Role:
    return Role(
        label="instance",
        name=f"{config.name}-instance",
        trusts="ec2",
        managed_policies=("service-role/AmazonEC2ContainerServiceforEC2Role",),
    )


def _job_definition(config: Config, storage: _Storage, image: str) -> JobDefinition:
    role = Role(
        label="job",
        name=f"{config.name}-job",
        trusts="ecs-tasks",
        allows=(
            Allow(
                sid="ReadSliceAndRecordResults",
                actions=("dynamodb:BatchGetItem", "dynamodb:PutItem"),
                on=(storage.table,),
            ),
        ),
    )
    return JobDefinition(
        label="compute",
        name=f"{config.name}-compute",
        image=image,
        command=tuple(config.compute.command or ("python", "runner.py")),
        vcpus=config.compute.vcpus,
        memory_mib=config.compute.memory_mib,
        timeout_s=config.compute.timeout_s,
        attempts=config.compute.attempts,
        job_role=role,
        log_group=LogGroup(
            label="compute",
            name=f"/batchctl/{config.name}/compute",
            retention_days=config.compute.log_retention_days,
        ),
        environment={
            **config.compute.environment,
            "BATCHCTL_TABLE": Output(storage.table),
            "BATCHCTL_RETRIES": str(config.compute.retries),
        },
    )


def _functions(
    config: Config, network: Network, storage: _Storage, batch: _Batch, package: Package
) -> _Functions:
    make = _FunctionMaker(config, network, package)
    table = {"TABLE": Output(storage.table)}
    receiver = make.function(
        "receiver",
        "TaskReceiver",
        allows=_receiver_permissions(storage),
        environment={
            **table,
            "QUEUE_URL": Output(storage.queue, "url"),
            "ITEMS_PER_TASK": str(config.compute.items_per_task),
        },
    )
    splitter = make.function(
        "splitter",
        "JobSplitter",
        allows=_splitter_permissions(storage, batch),
        environment={
            **table,
            "JOB_QUEUE": Output(batch.queue, "arn"),
            "JOB_DEFINITION": Output(batch.definition),
        },
        timeout_s=config.functions.timeout_s,
    )
    api = make.function("api", "JobAPI", allows=_api_permissions(storage), environment=table)
    mapping = EventSourceMapping(
        label="splitter", name=splitter.name, queue=storage.queue, function=splitter
    )
    return _Functions(receiver, splitter, api, mapping)


def _receiver_permissions(storage: _Storage) -> tuple[Allow, ...]:
    return (
        Allow(
            sid="StoreJobs",
            actions=(
                "dynamodb:GetItem",
                "dynamodb:PutItem",
                "dynamodb:UpdateItem",
                "dynamodb:BatchWriteItem",
            ),
            on=(storage.table,),
        ),
        Allow(sid="QueueJobs", actions=("sqs:SendMessage",), on=(storage.queue,)),
    )


def _splitter_permissions(storage: _Storage, batch: _Batch) -> tuple[Allow, ...]:
    return (
        Allow(
            sid="ReceiveJobs",
            actions=("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
            on=(storage.queue,),
        ),
        Allow(
            sid="ReadAndMarkJobs",
            actions=("dynamodb:GetItem", "dynamodb:UpdateItem"),
            on=(storage.table,),
        ),
        Allow(
            sid="SubmitJobs",
            actions=("batch:SubmitJob",),
            on=(
                batch.queue,
                Output(batch.definition, "name_arn"),
                Output(batch.definition, "name_arn", suffix=":*"),
            ),
        ),
        Allow(sid="FindSubmittedJobs", actions=("batch:ListJobs",), on=("*",)),
    )


def _api_permissions(storage: _Storage) -> tuple[Allow, ...]:
    return (
        Allow(
            sid="ReadJobs",
            actions=(
                "dynamodb:GetItem",
                "dynamodb:BatchGetItem",
                "dynamodb:Query",
                "dynamodb:UpdateItem",
            ),
            on=(storage.table,),
        ),
        Allow(
            sid="ListJobs",
            actions=("dynamodb:Query",),
            on=(storage.table,),
            suffix=f"/index/{TABLE_INDEX}",
        ),
        Allow(sid="DescribeJobs", actions=("batch:DescribeJobs",), on=("*",)),
    )


@dataclass(frozen=True)
class _FunctionMaker:
    """Makes functions with what they all have: a role, a log group, the code, the network."""

    config: Config
    network: Network
    package: Package

    def function(
        self,
        label: str,
        suffix: str,
        *,
        allows: tuple[Allow, ...],
        environment: Mapping[str, str | Output],
        timeout_s: int = HTTP_TIMEOUT_S,
    ) -> Function:
        """Return the function `<name>-<suffix>`, with least privilege."""
        settings = self.config.functions
        name = f"{self.config.name}-{suffix}"
        log_group = LogGroup(
            label=label,
            name=f"/aws/lambda/{name}",
            retention_days=settings.log_retention_days,
        )
        in_vpc = bool(self.config.network.function_subnet_ids)
        return Function(
            label=label,
            name=name,
            role=self._role(label, name, log_group, allows),
            handler=f"handlers.{label}.handler",
            package=self.package,
            runtime=settings.runtime,
            architecture=settings.architecture,
            memory_mib=settings.memory_mib,
            timeout_s=timeout_s,
            environment={**environment, "POWERTOOLS_SERVICE_NAME": name},
            log_group=log_group,
            tracing=settings.tracing,
            network=self.network if in_vpc else None,
            security_group=self._security_group() if in_vpc else None,
        )

    def _role(self, label: str, name: str, log_group: LogGroup, allows: tuple[Allow, ...]) -> Role:
        logging = Allow(
            sid="WriteLogs",
            actions=("logs:CreateLogStream", "logs:PutLogEvents"),
            on=(log_group,),
            suffix=":*",
        )
        return Role(
            label=label,
            name=f"{name}-role",
            trusts="lambda",
            allows=(*allows, logging, *self._tracing()),
            managed_policies=self._network_policies(),
        )

    def _tracing(self) -> tuple[Allow, ...]:
        if not self.config.functions.tracing:
            return ()
        actions = ("xray:PutTraceSegments", "xray:PutTelemetryRecords")
        return (Allow(sid="WriteTraces", actions=actions, on=("*",)),)

    def _network_policies(self) -> tuple[str, ...]:
        """In a VPC, Lambda makes and deletes network interfaces with the function's own role."""
        if not self.config.network.function_subnet_ids:
            return ()
        return ("service-role/AWSLambdaVPCAccessExecutionRole",)

    def _security_group(self) -> SecurityGroup:
        return SecurityGroup(
            label="functions",
            name=f"{self.config.name}-functions",
            description="batchctl: functions, nothing comes in",
            network=self.network,
            ingress=(),
        )


def _front_door(
    config: Config, network: Network, functions: _Functions
) -> tuple[Resource[Any], ...]:
    if config.api.mode != "alb":
        raise UsageError(
            f"could not build the front door `{config.api.mode}`: this version builds `alb` only",
            hint="set `api.mode: alb`",
        )
    listener = _listener(config, network)
    return (
        *_route(config, listener, functions.receiver, 10, ("PUT",), ("/v1/new-task",)),
        *_route(config, listener, functions.api, 20, ("GET",), ("/v1/tasks", "/v1/tasks/*")),
    )


def _listener(config: Config, network: Network) -> Listener:
    security_group = SecurityGroup(
        label="load_balancer",
        name=f"{config.name}-load-balancer",
        description="batchctl: the load balancer of the API",
        network=network,
        ingress=(Ingress(port=config.api.port, cidrs=tuple(config.api.allowed_cidrs)),),
        # It reaches the functions through the Lambda API, not the network.
        open_egress=False,
    )
    load_balancer = LoadBalancer(
        label="api", name=f"{config.name}-api", network=network, security_group=security_group
    )
    return Listener(
        label="api",
        name=f"{config.name}-api",
        load_balancer=load_balancer,
        port=config.api.port,
        certificate_arn=config.api.certificate_arn,
    )


def _route(
    config: Config,
    listener: Listener,
    function: Function,
    priority: int,
    methods: tuple[str, ...],
    paths: tuple[str, ...],
) -> tuple[Resource[Any], ...]:
    """Return what leads requests of these methods and paths to a function."""
    label = function.label
    target_group = TargetGroup(label=label, name=f"{config.name}-{label}")
    permission = Permission(
        label=label,
        name=function.name,
        function=function,
        principal_service="elasticloadbalancing",
        source=target_group,
    )
    target = Target(
        label=label,
        name=function.name,
        target_group=target_group,
        function=function,
        permission=permission,
    )
    rule = Rule(
        label=label,
        name=f"{config.name}-{label}",
        listener=listener,
        priority=priority,
        methods=methods,
        paths=paths,
        target_group=target_group,
        target=target,
    )
    return (rule,)
