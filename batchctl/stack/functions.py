"""The functions, each with a role of least privilege, and what feeds the splitter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from batchctl import __version__
from batchctl.config import HTTP_TIMEOUT_S, Config
from batchctl.contract.environment import Function as Variables
from batchctl.packaging import Package
from batchctl.resource import Output
from batchctl.resources.awslambda.application import Application
from batchctl.resources.awslambda.functions import Function
from batchctl.resources.awslambda.triggers import EventSourceMapping
from batchctl.resources.ec2.network import Network
from batchctl.resources.ec2.security_groups import SecurityGroup
from batchctl.resources.iam.roles import Allow, Role
from batchctl.resources.logs import LogGroup
from batchctl.stack.compute import Batch
from batchctl.stack.permissions import (
    submit_permissions,
    terminate_permission,
    tracker_permissions,
)
from batchctl.stack.storage import TABLE_INDEX, Storage
from batchctl.stack.tasks import following, running, slicing

# Lambda's most (Lambda quotas): what is written for the failures of a million items takes minutes.
TRACKER_TIMEOUT_S = 900
SAYS_WHAT_IS_DEPLOYED = "tracker"
# What strangers can call. The others work on what these let through, and lose it when refused: the
# splitter's jobs go to the dead letters.
FROM_OUTSIDE = ("receiver", "api")


@dataclass(frozen=True)
class Functions:
    """The functions, and what feeds the splitter."""

    receiver: Function
    splitter: Function
    api: Function
    tracker: Function
    mapping: EventSourceMapping


def build_functions(
    config: Config, network: Network, storage: Storage, batch: Batch, package: Package
) -> Functions:
    """Return the functions with what each may do, and the splitter's feed."""
    table: dict[str, str | Output] = {Variables.TABLE: Output(storage.table)}
    kept = {**table, **_keeping(config)}
    queue_url: dict[str, str | Output] = {Variables.QUEUE_URL: Output(storage.queue, "url")}
    slices = slicing(config, batch.machine_vcpus)
    receiver, splitter, tracker, api = _FunctionMaker(config, network, package).functions(
        _Specification(
            "receiver",
            "TaskReceiver",
            allows=_receiver_permissions(storage),
            environment={**kept, **queue_url, **slices},
        ),
        _Specification(
            "splitter",
            "JobSplitter",
            allows=_splitter_permissions(config, storage, batch),
            environment={**table, **_batch_environment(config, batch)},
            timeout_s=config.functions.timeout_s,
        ),
        _Specification(
            "tracker",
            "JobTracker",
            allows=tracker_permissions(config, storage),
            environment={**kept, **_batch_environment(config, batch), **queue_url},
            timeout_s=TRACKER_TIMEOUT_S,
        ),
        _Specification(
            "api",
            "JobAPI",
            allows=_api_permissions(storage),
            environment={**kept, **following(config), **queue_url, **_on_demand(batch)},
        ),
    )
    mapping = EventSourceMapping(
        label="splitter", name=splitter.name, queue=storage.queue, function=splitter
    )
    return Functions(receiver, splitter, api, tracker, mapping)


def _keeping(config: Config) -> dict[str, str | Output]:
    """Return how many days after its end a job is shown; nothing when that is for ever."""
    days = config.job_table.keep_days
    return {} if days is None else {Variables.KEEP_DAYS: str(days)}


def _batch_environment(config: Config, batch: Batch) -> dict[str, str | Output]:
    """Return where jobs are submitted, as what, and with whose mark."""
    found: dict[str, str | Output] = {
        Variables.STACK: config.name,
        Variables.JOB_QUEUE: Output(batch.queue, "arn"),
        Variables.JOB_DEFINITION: Output(batch.definition),
        **running(config),
    }
    return {**found, **_on_demand(batch)}


def _on_demand(batch: Batch) -> dict[str, str | Output]:
    """Return the queue that never runs on Spot; nothing where there is none."""
    if batch.on_demand_queue is None:
        return {}
    return {Variables.JOB_QUEUE_ON_DEMAND: Output(batch.on_demand_queue, "arn")}


def _receiver_permissions(storage: Storage) -> tuple[Allow, ...]:
    return (
        Allow(
            sid="StoreJobs",
            actions=(
                "dynamodb:GetItem",
                "dynamodb:PutItem",
                "dynamodb:UpdateItem",
                "dynamodb:BatchWriteItem",
                # The parts of a universe, when the last one is there.
                "dynamodb:Query",
            ),
            on=(storage.table,),
        ),
        Allow(sid="QueueJobs", actions=("sqs:SendMessage",), on=(storage.queue,)),
    )


def _splitter_permissions(config: Config, storage: Storage, batch: Batch) -> tuple[Allow, ...]:
    return (
        Allow(
            sid="ReceiveJobs",
            actions=("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
            on=(storage.queue,),
        ),
        Allow(
            sid="ReadAndMarkJobs",
            # The results of jobs of an earlier version are brought to where containers write now.
            actions=(
                "dynamodb:GetItem",
                "dynamodb:UpdateItem",
                "dynamodb:Query",
                "dynamodb:BatchWriteItem",
            ),
            on=(storage.table,),
        ),
        *submit_permissions(config, batch.queues, batch.definition),
        Allow(
            sid="FindSubmittedJobs",
            actions=("batch:ListJobs", "batch:DescribeJobs"),
            on=("*",),
        ),
        terminate_permission(config),
    )


def _api_permissions(storage: Storage) -> tuple[Allow, ...]:
    return (
        Allow(
            sid="ReadJobs",
            actions=(
                "dynamodb:GetItem",
                "dynamodb:BatchGetItem",
                "dynamodb:Query",
                "dynamodb:UpdateItem",
                "dynamodb:PutItem",
                "dynamodb:BatchWriteItem",
            ),
            on=(storage.table,),
        ),
        # Whoever looks at a job that waits for a lost message sends it again.
        Allow(sid="QueueJobs", actions=("sqs:SendMessage",), on=(storage.queue,)),
        Allow(
            sid="ListJobs",
            actions=("dynamodb:Query",),
            on=(storage.table,),
            suffix=f"/index/{TABLE_INDEX}",
        ),
        Allow(sid="DescribeJobs", actions=("batch:DescribeJobs",), on=("*",)),
    )


@dataclass(frozen=True)
class _Specification:
    """What is a function's own: it is called `<name>-<suffix>`."""

    label: str
    suffix: str
    allows: tuple[Allow, ...]
    environment: Mapping[str, str | Output]
    timeout_s: int = HTTP_TIMEOUT_S


@dataclass(frozen=True)
class _FunctionMaker:
    """Makes functions with what they all have: a role, a log group, the code, the network."""

    config: Config
    network: Network
    package: Package

    def functions(self, *specifications: _Specification) -> tuple[Function, ...]:
        """Return the functions, each with least privilege; in a VPC all in one security group."""
        log_groups = [self._log_group(each) for each in specifications]
        roles = tuple(map(self._role, specifications, log_groups))
        in_vpc = bool(self.config.network.function_subnet_ids)
        group = self._security_group(roles) if in_vpc else None
        return tuple(
            self._function(specification, log_group, role, group)
            for specification, log_group, role in zip(
                specifications, log_groups, roles, strict=True
            )
        )

    def _function(
        self,
        specification: _Specification,
        log_group: LogGroup,
        role: Role,
        security_group: SecurityGroup | None,
    ) -> Function:
        settings, label = self.config.functions, specification.label
        name = self._name(specification)
        return Function(
            label=label,
            name=name,
            role=role,
            handler=f"handlers.{label}.handler",
            package=self.package,
            runtime=settings.runtime,
            architecture=settings.architecture,
            memory_mib=settings.memory_mib,
            timeout_s=specification.timeout_s,
            reserved_concurrency=settings.reserved_concurrency if label in FROM_OUTSIDE else None,
            environment={**specification.environment, "POWERTOOLS_SERVICE_NAME": name},
            log_group=log_group,
            tracing=settings.tracing,
            network=self.network if security_group else None,
            security_group=security_group,
            application=self._said() if label == SAYS_WHAT_IS_DEPLOYED else None,
        )

    def _said(self) -> Application:
        """Return what one function's tags say of all, for those who have no state of it."""
        api = self.config.api
        return Application(__version__, f"{api.mode} {api.auth}", protected=self.config.protect)

    def _name(self, specification: _Specification) -> str:
        return f"{self.config.name}-{specification.suffix}"

    def _log_group(self, specification: _Specification) -> LogGroup:
        return LogGroup(
            label=specification.label,
            name=f"/aws/lambda/{self._name(specification)}",
            retention_days=self.config.functions.log_retention_days,
        )

    def _role(self, specification: _Specification, log_group: LogGroup) -> Role:
        logging = Allow(
            sid="WriteLogs",
            actions=("logs:CreateLogStream", "logs:PutLogEvents"),
            on=(log_group,),
            suffix=":*",
        )
        return Role(
            label=specification.label,
            name=f"{self._name(specification)}-role",
            permissions_boundary=self.config.iam.permissions_boundary,
            path=self.config.iam.path,
            trusts="lambda",
            allows=(*specification.allows, logging, *self._tracing()),
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

    def _security_group(self, roles: tuple[Role, ...]) -> SecurityGroup:
        return SecurityGroup(
            label="functions",
            name=f"{self.config.name}-functions",
            description="batchctl: functions, nothing comes in",
            network=self.network,
            ingress=(),
            outlived_by=roles,
        )
