"""Lambda functions: their code, their settings, and the wait until AWS has taken both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from batchctl.aws.errors import NotReady, ignore_missing
from batchctl.aws.session import Aws
from batchctl.aws.waiting import Pending
from batchctl.contract.environment import Function as Variables
from batchctl.packaging import Package
from batchctl.resource import (
    Actual,
    Deployed,
    Document,
    Group,
    Output,
    Outputs,
    Properties,
    Resource,
    require_owned,
    resolve,
)
from batchctl.resource.grants import Grant
from batchctl.resources.awslambda import policies as function_policies
from batchctl.resources.awslambda.application import Application
from batchctl.resources.awslambda.interfaces import wait_until_interfaces_gone
from batchctl.resources.ec2.network import Network
from batchctl.resources.ec2.security_groups import SecurityGroup
from batchctl.resources.iam.roles import Role
from batchctl.resources.logs import LogGroup

# In a VPC Lambda first makes network interfaces, which can take several minutes (Lambda developer
# guide, "Giving Lambda functions access to resources in an Amazon VPC").
SETTLED_WITHIN_S = 600.0
# UpdateFunctionCode's; all the rest that differs is UpdateFunctionConfiguration's.
CODE = ("CodeSha256", "Architectures")
STATUS = ("State", "LastUpdateStatus")
# What any version of ours gives a function.
OUR_VARIABLES = {name for key, name in vars(Variables).items() if key.isupper()}
CONCURRENCY = "ReservedConcurrentExecutions"
STATEMENTS = "StatementsOfOthers"


FUNCTIONS = ("function:{stack}-*",)


@dataclass(frozen=True)
class FunctionOutputs(Outputs):
    """The id is the name; the security group is empty for a function outside a VPC."""

    security_group_id: str


@dataclass(frozen=True, kw_only=True)
class Function(Resource[FunctionOutputs]):
    """A function from a zip, whose hash says whether there is something to upload.

    With both `network` and `security_group` it runs in the VPC. `architecture` None is the
    partition's default; without `reserved_concurrency` it shares what the account has. A function
    that Lambda calls Failed can't be repaired (Lambda developer
    guide, "Lambda function states"), so it is deleted and made again.
    """

    role: Role
    handler: str
    package: Package
    runtime: str
    memory_mib: int
    timeout_s: int
    environment: Mapping[str, str | Output]
    log_group: LogGroup
    tracing: bool
    architecture: str | None = None
    reserved_concurrency: int | None = None
    network: Network | None = None
    security_group: SecurityGroup | None = None
    # What it says of the whole application, beside the mark.
    application: Application | None = None

    kind: ClassVar[str] = "function"
    group: ClassVar[Group | None] = Group.FUNCTIONS
    outputs: ClassVar[type[FunctionOutputs]] = FunctionOutputs
    identity: ClassVar[tuple[str, ...]] = ("FunctionName",)
    calls_to_read: ClassVar[int] = 2
    vital: ClassVar[tuple[str, ...]] = ("State", "LastUpdateStatus", CONCURRENCY)
    immutable: ClassVar[tuple[str, ...]] = ("State",)
    # In its environment. Nothing comes in any more when it goes, and what it is still at ends with
    # it anyway.
    only_names: ClassVar[frozenset[str]] = frozenset(
        {"table", "queue", "job_queue", "job_definition"}
    )
    # Its successor has to have its name: roles, log groups and callers go by it.
    create_before_delete: ClassVar[bool] = False
    grants: ClassVar[tuple[Grant, ...]] = (
        Grant("read up down", "lambda", "GetFunction", FUNCTIONS),
        Grant(
            "up",
            "lambda",
            "CreateFunction UpdateFunctionCode UpdateFunctionConfiguration TagResource "
            "UntagResource DeleteFunctionConcurrency",
            FUNCTIONS,
        ),
        Grant("up", "lambda", "PutFunctionConcurrency", FUNCTIONS, when="reserved_concurrency"),
        Grant("down", "lambda", "DeleteFunction", FUNCTIONS),
        Grant("up down", "lambda", "ListFunctions", when="network"),
        Grant("up down", "ec2", "DescribeNetworkInterfaces", when="network"),
        Grant("up down", "ec2", "DeleteNetworkInterface", ("network-interface/*",), when="network"),
    )

    @property
    def own_tags(self) -> Mapping[str, str]:
        """What it says of the application."""
        return self.application.tags if self.application else {}

    def desired(self, deployed: Deployed) -> Properties:
        """Return the function's configuration, as GetFunction shows it."""
        partition = deployed.aws.partition
        environment = {key: resolve(value, deployed) for key, value in self.environment.items()}
        return {
            "FunctionName": self.physical_name,
            "Role": deployed[self.role].arn,
            "Handler": self.handler,
            "Runtime": self.runtime,
            "Architectures": [self.architecture or partition.default_function_architecture],
            "MemorySize": self.memory_mib,
            "Timeout": self.timeout_s,
            "Environment": {"Variables": Document(environment)},
            "LoggingConfig": {"LogGroup": deployed[self.log_group].id},
            "VpcConfig": self._vpc_config(deployed),
            **self._tracing(has_tracing=partition.has_lambda_tracing),
            CONCURRENCY: self.reserved_concurrency,
            "Layers": [],
            # Of its resource policy; ours are a kind of their own, Permission.
            STATEMENTS: Document(),
            "CodeSha256": self.package.sha256,
            "State": "Active",
            "LastUpdateStatus": "Successful",
        }

    def _vpc_config(self, deployed: Deployed) -> dict[str, list[str]]:
        """Return where in the VPC it runs; empty lists, which take it out of one, for nowhere."""
        if self.network is None or self.security_group is None:
            return {"SubnetIds": [], "SecurityGroupIds": []}
        return {
            "SubnetIds": sorted(deployed[self.network].function_subnet_ids),
            "SecurityGroupIds": [deployed[self.security_group].id],
        }

    def _tracing(self, *, has_tracing: bool) -> dict[str, Any]:
        if not has_tracing:
            return {}
        return {"TracingConfig": {"Mode": "Active" if self.tracing else "PassThrough"}}

    @classmethod
    def read(
        cls, aws: Aws, recorded: FunctionOutputs | None, desired: Properties
    ) -> Actual[FunctionOutputs] | None:
        """Find the function by name, once Lambda is not changing it; None when there is none."""
        name = recorded.id if recorded else str(desired["FunctionName"])
        found = _wait_until_settled(aws, name)
        if found is None:
            return None
        tags = found.get("Tags", {})
        require_owned(aws, f"function `{name}`", tags)
        configuration = {
            **found["Configuration"],
            CONCURRENCY: found.get("Concurrency", {}).get(CONCURRENCY),
            STATEMENTS: Document(function_policies.foreign(aws, name)),
        }
        failure = _failure(configuration)
        notes = (failure,) if failure else ()
        return Actual(_outputs(configuration), _properties(configuration), tags, notes)

    def create(self, aws: Aws, desired: Properties) -> FunctionOutputs:
        """Make the function and wait until it is Active."""
        apart = {"CodeSha256", CONCURRENCY, STATEMENTS, "Layers", *STATUS}
        parameters = {key: desired[key] for key in desired if key not in apart}
        if not desired["VpcConfig"]["SubnetIds"]:
            del parameters["VpcConfig"]
        made = aws.awslambda.create_function(
            **parameters, Code={"ZipFile": self.package.content}, Tags={**aws.tags, **self.own_tags}
        )
        if desired[CONCURRENCY] is not None:
            _set_concurrency(aws, desired["FunctionName"], desired[CONCURRENCY])
        # Outside a VPC it can be Active at once, and then nothing has to be asked.
        return _wait_until_usable(aws, desired["FunctionName"], made)

    def update(
        self,
        aws: Aws,
        actual: Actual[FunctionOutputs],
        desired: Properties,
        changed: Properties,
    ) -> FunctionOutputs:
        """Change the settings, then the code, as Lambda takes one update at a time.

        After an update that failed both are sent whole, as it is unknown what of it took effect.
        """
        name = actual.outputs.id
        to_send = desired if "LastUpdateStatus" in changed else changed
        fixed = {"FunctionName", CONCURRENCY, STATEMENTS, *CODE, *STATUS}
        if CONCURRENCY in changed:
            _set_concurrency(aws, name, changed[CONCURRENCY])
        if STATEMENTS in changed:
            with function_policies.lock(name):
                for statement in actual.properties[STATEMENTS]:
                    function_policies.remove(aws, name, statement)
        settings = {key: value for key, value in to_send.items() if key not in fixed}
        if settings:
            aws.awslambda.update_function_configuration(FunctionName=name, **settings)
            _wait_until_usable(aws, name)
        if any(key in to_send for key in CODE):
            aws.awslambda.update_function_code(
                FunctionName=name,
                ZipFile=self.package.content,
                Architectures=desired["Architectures"],
            )
        return _wait_until_usable(aws, name)

    def write_tags(
        self, aws: Aws, outputs: FunctionOutputs, tags: Mapping[str, str], removed: Sequence[str]
    ) -> None:
        """Set and remove tags."""
        set_tags(aws, outputs, tags)
        if removed:
            aws.awslambda.untag_resource(Resource=outputs.arn, TagKeys=removed)

    def loosened(self, actual: Properties, desired: Properties) -> Iterator[str]:
        """Say whether the limit is removed or raised, and what of others' agents goes."""
        had, wanted = actual[CONCURRENCY], desired[CONCURRENCY]
        if had is not None and (wanted is None or wanted > had):
            new = "without a limit" if wanted is None else f"{wanted} times"
            yield f"function `{self.name}` can run {new} at once instead of {had} times"
        variables = (each["Environment"]["Variables"] for each in (actual, desired))
        there, ours = map(set, variables)
        if others := sorted(there - ours - OUR_VARIABLES):
            names = ", ".join(f"`{each}`" for each in others)
            yield f"function `{self.name}` loses the variables of others {names}"
        if actual["Layers"]:
            yield f"function `{self.name}` loses the layers of others"
        if actual["VpcConfig"]["SubnetIds"] and not desired["VpcConfig"]["SubnetIds"]:
            yield f"function `{self.name}` is taken out of the VPC that it runs in"

    @classmethod
    def tags_of(cls, aws: Aws, recorded: FunctionOutputs) -> Mapping[str, str] | None:
        """Return the tags that it has now; None when it is gone."""
        return tags_of_function(aws, recorded.id)

    @classmethod
    def delete(cls, aws: Aws, recorded: FunctionOutputs) -> None:
        """Delete the function; the last one in a security group is gone when its interfaces are.

        Lambda removes them with the function's role, so the role has to live as long. Functions
        share the interfaces of a security group in a subnet (Lambda developer guide, "Giving
        Lambda functions access to resources in an Amazon VPC").
        """
        with ignore_missing():
            aws.awslambda.delete_function(FunctionName=recorded.id)
        _wait_until_gone(aws, recorded.id)
        if recorded.security_group_id and not _is_used_by_others(aws, recorded.security_group_id):
            wait_until_interfaces_gone(aws, recorded.security_group_id)


def set_tags(aws: Aws, outputs: FunctionOutputs, tags: Mapping[str, str]) -> None:
    """Set tags of a function."""
    aws.awslambda.tag_resource(Resource=outputs.arn, Tags=tags)


def tags_of_function(aws: Aws, name: str) -> Mapping[str, str] | None:
    """Return the tags of a function, whoever's it is; None when there is none of that name."""
    found = _get(aws, name)
    return None if found is None else found.get("Tags", {})


def _set_concurrency(aws: Aws, name: str, reserved: int | None) -> None:
    if reserved is None:
        aws.awslambda.delete_function_concurrency(FunctionName=name)
    else:
        aws.awslambda.put_function_concurrency(
            FunctionName=name, ReservedConcurrentExecutions=reserved
        )


def _is_used_by_others(aws: Aws, security_group_id: str) -> bool:
    return any(
        security_group_id in function.get("VpcConfig", {}).get("SecurityGroupIds", [])
        for page in aws.awslambda.get_paginator("list_functions").paginate()
        for function in page["Functions"]
    )


def _get(aws: Aws, name: str) -> Mapping[str, Any] | None:
    with ignore_missing():
        return dict(aws.awslambda.get_function(FunctionName=name))
    return None


def _wait_until_settled(aws: Aws, name: str) -> Mapping[str, Any] | None:
    """Return GetFunction's answer once nothing passes any more; None when absent or gone."""

    def check() -> tuple[Mapping[str, Any] | None] | Pending:
        found = _get(aws, name)
        return (found,) if found is None else _passing(found["Configuration"]) or (found,)

    what = f"Lambda to finish the current change of function `{name}`"
    return aws.wait_until(what, check, timeout_s=SETTLED_WITHIN_S)[0]


def _passing(configuration: Mapping[str, Any]) -> Pending | None:
    """Return the state that passes by itself; None when there is none such."""
    if configuration.get("State") in {"Pending", "Deleting"}:
        return Pending(configuration["State"])
    if configuration.get("LastUpdateStatus") == "InProgress":
        return Pending("InProgress")
    return None


def _wait_until_gone(aws: Aws, name: str) -> None:
    def check() -> bool | Pending:
        found = _get(aws, name)
        return True if found is None else Pending(found["Configuration"].get("State", "there"))

    aws.wait_until(f"Lambda to delete function `{name}`", check, timeout_s=SETTLED_WITHIN_S)


def _wait_until_usable(
    aws: Aws, name: str, answered: Mapping[str, Any] | None = None
) -> FunctionOutputs:
    """Return the outputs once Lambda has taken a change; NotReady with its reason if it failed.

    `answered` is the configuration in the change's own answer, the first to be looked at.
    """
    answers = [{"Configuration": answered}] if answered and answered.get("State") else []

    def check() -> tuple[Mapping[str, Any]] | Pending | None:
        found = answers.pop() if answers else _get(aws, name)
        return None if found is None else _passing(found["Configuration"]) or (found,)

    what = f"function `{name}` to become ready"
    configuration = aws.wait_until(what, check, timeout_s=SETTLED_WITHIN_S)[0]["Configuration"]
    failure = _failure(configuration)
    if failure:
        raise NotReady(
            f"could not make function `{name}` ready: {failure}",
            hint="fix what the reason says, then run the command again",
        )
    return _outputs(configuration)


def _failure(configuration: Mapping[str, Any]) -> str | None:
    """Return Lambda's reason why the function, or its last update, failed; None when neither."""
    for status in STATUS:
        if configuration.get(status) == "Failed":
            said = configuration.get(f"{status}Reason") or "Lambda gives no reason"
            return f"{status} Failed: {said}"
    return None


def _outputs(configuration: Mapping[str, Any]) -> FunctionOutputs:
    groups = configuration.get("VpcConfig", {}).get("SecurityGroupIds", [])
    return FunctionOutputs(
        id=configuration["FunctionName"],
        arn=configuration["FunctionArn"],
        security_group_id=groups[0] if groups else "",
    )


def _properties(configuration: Mapping[str, Any]) -> Properties:
    """Return a configuration with what Lambda leaves out where it is empty, lists in our order."""
    network = configuration.get("VpcConfig", {})
    variables = configuration.get("Environment", {}).get("Variables", {})
    return {
        **configuration,
        "Environment": {"Variables": Document(variables)},
        "VpcConfig": {
            "SubnetIds": sorted(network.get("SubnetIds", [])),
            "SecurityGroupIds": sorted(network.get("SecurityGroupIds", [])),
        },
        "Layers": [each["Arn"] for each in configuration.get("Layers", [])],
        # Where Lambda says nothing else (Lambda API Reference, LoggingConfig).
        "LoggingConfig": {
            "LogGroup": f"/aws/lambda/{configuration['FunctionName']}",
            **configuration.get("LoggingConfig", {}),
        },
        # Inactive is a function in a VPC after idle weeks: the next event wakes it.
        "State": "Failed" if configuration.get("State") == "Failed" else "Active",
        "LastUpdateStatus": configuration.get("LastUpdateStatus", "Successful"),
    }
