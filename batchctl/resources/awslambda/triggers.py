"""Lambda: what makes functions run, a queue's messages or a service that may invoke them.

The functions themselves are in `awslambda_functions`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from batchctl.aws.errors import ignore_missing
from batchctl.aws.session import Aws
from batchctl.aws.waiting import Pending
from batchctl.resource import (
    Actual,
    Deployed,
    Document,
    Group,
    Outputs,
    Properties,
    Resource,
    is_unknown,
)
from batchctl.resource.grants import ANY, Condition, Grant
from batchctl.resources.awslambda import policies as function_policies
from batchctl.resources.awslambda.functions import FUNCTIONS, Function, tags_of_function
from batchctl.resources.sqs import Queue

__all__ = ["EventSourceMapping", "Function", "Permission"]

# Creating, updating and deleting take seconds to minutes; a deletion lets messages in work finish.
MAPPING_SETTLES_WITHIN_S = 600.0
POLICY_SHOWS_WITHIN_S = 120.0
# Limits of a mapping that others may set, and what removes each (Lambda API Reference,
# UpdateEventSourceMapping).
UNLIMITED: Mapping[str, Mapping[str, Any]] = {
    "FilterCriteria": {"Filters": []},
    "ScalingConfig": {},
}


MAPPINGS = ("event-source-mapping:*",)
OF_FUNCTIONS: Condition = {
    "ArnLike": {"lambda:FunctionArn": ("arn:*:lambda:*:*:function:{stack}-*",)}
}


@dataclass(frozen=True, kw_only=True)
class EventSourceMapping(Resource[Outputs]):
    """Lambda's pollers, which give the messages of a queue to a function; the id is a UUID.

    Failed messages are named one by one (partial batch responses), so that the others of a batch
    are done. It is tagged when it is made, for whoever looks for what is ours, but known by its
    queue and function: aws-cn has no tags on mappings (Getting Started with Amazon Web Services in
    China, Lambda).
    """

    queue: Queue
    function: Function
    batch_size: int = 10

    kind: ClassVar[str] = "event_source_mapping"
    group: ClassVar[Group | None] = Group.QUEUE
    identity: ClassVar[tuple[str, ...]] = ("EventSourceArn", "FunctionName")
    vital: ClassVar[tuple[str, ...]] = ("State", "FilterCriteria")
    entry_point: ClassVar[bool] = True
    # Lambda polls an empty queue as well (Lambda developer guide, "Using Lambda with Amazon SQS").
    cost: ClassVar[str] = "is billed by the requests with which Lambda polls the queue"
    taggable: ClassVar[bool] = False
    grants: ClassVar[tuple[Grant, ...]] = (
        # Without the condition: what is gone has no function, and would be refused, not missing.
        Grant("read up down", "lambda", "GetEventSourceMapping", MAPPINGS),
        Grant("read up", "lambda", "ListEventSourceMappings"),
        Grant("up", "lambda", "CreateEventSourceMapping", ANY, OF_FUNCTIONS),
        Grant("up", "lambda", "UpdateEventSourceMapping", MAPPINGS, OF_FUNCTIONS),
        Grant("up", "lambda", "TagResource UntagResource", MAPPINGS),
        Grant("down", "lambda", "DeleteEventSourceMapping", MAPPINGS, OF_FUNCTIONS),
        Grant("down", "sqs", "GetQueueUrl ListQueueTags", ("{stack}-*",)),
    )

    def desired(self, deployed: Deployed) -> Properties:
        """Return the parameters of CreateEventSourceMapping, and the state that it should have."""
        return {
            "EventSourceArn": deployed[self.queue].arn,
            "FunctionName": deployed[self.function].id,
            "BatchSize": self.batch_size,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            # What is let through to the function, and how much at once: all of it.
            "FilterCriteria": Document(),
            "ScalingConfig": Document(),
            "State": "Enabled",
        }

    @classmethod
    def read(
        cls, aws: Aws, recorded: Outputs | None, desired: Properties
    ) -> Actual[Outputs] | None:
        """Find the mapping, once Lambda is not changing it; None when there is none."""
        uuid = recorded.id if recorded else _mapping_of(aws, desired)
        found = _wait_until_mapping_settled(aws, uuid) if uuid else None
        return None if found is None else Actual(_mapping_outputs(aws, found), _mapping(found))

    def create(self, aws: Aws, desired: Properties) -> Outputs:
        """Make the mapping and wait until it polls."""
        apart = {"State", *UNLIMITED}
        parameters = {key: value for key, value in desired.items() if key not in apart}
        if aws.partition.has_mapping_tags:
            parameters["Tags"] = aws.tags
        answer = aws.awslambda.create_event_source_mapping(**parameters, Enabled=True)
        _wait_until_polling(aws, answer["UUID"])
        return _mapping_outputs(aws, answer)

    def update(
        self, aws: Aws, actual: Actual[Outputs], desired: Properties, changed: Properties
    ) -> Outputs:
        """Change what differs and wait until it polls again."""
        del desired
        parameters: dict[str, Any] = {
            key: UNLIMITED.get(key, changed[key]) for key in changed if key != "State"
        }
        if "State" in changed:
            parameters["Enabled"] = True
        aws.awslambda.update_event_source_mapping(UUID=actual.outputs.id, **parameters)
        _wait_until_polling(aws, actual.outputs.id)
        return actual.outputs

    @classmethod
    def tags_of(cls, aws: Aws, recorded: Outputs) -> Mapping[str, str] | None:
        """Return the tags of its function or, when that is gone, of its queue."""
        found = _get_mapping(aws, recorded.id)
        if found is None:
            return None
        tags = tags_of_function(aws, found["FunctionArn"].rpartition(":")[2])
        return _tags_of_queue(aws, found["EventSourceArn"]) if tags is None else tags

    @classmethod
    def delete(cls, aws: Aws, recorded: Outputs) -> None:
        """Delete the mapping and wait until the last messages in work are done."""
        with ignore_missing():
            aws.awslambda.delete_event_source_mapping(UUID=recorded.id)
        _wait_until_mapping_gone(aws, recorded.id)


def _mapping_of(aws: Aws, desired: Properties) -> str | None:
    """Return the UUID of the mapping of a queue and a function; Lambda allows one at most."""
    with ignore_missing():
        answer = aws.awslambda.list_event_source_mappings(
            EventSourceArn=desired["EventSourceArn"], FunctionName=desired["FunctionName"]
        )
        return next((each["UUID"] for each in answer["EventSourceMappings"]), None)
    return None


def _get_mapping(aws: Aws, uuid: str) -> Mapping[str, Any] | None:
    with ignore_missing():
        return dict(aws.awslambda.get_event_source_mapping(UUID=uuid))
    return None


def _tags_of_queue(aws: Aws, arn: str) -> Mapping[str, str]:
    """Return the tags of a queue; none when it is gone."""
    with ignore_missing():
        url = aws.sqs.get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"]
        return dict(aws.sqs.list_queue_tags(QueueUrl=url).get("Tags", {}))
    return {}


def _wait_until_mapping_settled(aws: Aws, uuid: str) -> Mapping[str, Any] | None:
    """Return the mapping once it is Enabled or Disabled; None when it is absent or gone."""

    def check() -> tuple[Mapping[str, Any] | None] | Pending:
        found = _get_mapping(aws, uuid)
        if found is None or found["State"] in {"Enabled", "Disabled"}:
            return (found,)
        return Pending(found["State"])

    what = "Lambda to finish the current change of the event source mapping"
    return aws.wait_until(what, check, timeout_s=MAPPING_SETTLES_WITHIN_S)[0]


def _wait_until_polling(aws: Aws, uuid: str) -> None:
    def check() -> bool | Pending | None:
        found = _get_mapping(aws, uuid)
        if found is None:
            return None
        return True if found["State"] == "Enabled" else Pending(found["State"])

    aws.wait_until("Lambda to poll the queue", check, timeout_s=MAPPING_SETTLES_WITHIN_S)


def _wait_until_mapping_gone(aws: Aws, uuid: str) -> None:
    def check() -> bool | Pending:
        found = _get_mapping(aws, uuid)
        return True if found is None else Pending(found["State"])

    aws.wait_until("Lambda to stop polling the queue", check, timeout_s=MAPPING_SETTLES_WITHIN_S)


def _mapping_outputs(aws: Aws, found: Mapping[str, Any]) -> Outputs:
    uuid = str(found["UUID"])
    return Outputs(id=uuid, arn=aws.arn("lambda", f"event-source-mapping:{uuid}"))


def _mapping(found: Mapping[str, Any]) -> Properties:
    filters = found.get("FilterCriteria") or {}
    return {
        **found,
        "FunctionName": found["FunctionArn"].rpartition(":")[2],
        "FilterCriteria": Document(filters if filters.get("Filters") else {}),
        "ScalingConfig": Document(found.get("ScalingConfig") or {}),
    }


@dataclass(frozen=True)
class PermissionOutputs(Outputs):
    """The id is the statement's; a permission has no ARN."""

    function_name: str


@dataclass(frozen=True, kw_only=True)
class Permission(Resource[PermissionOutputs]):
    """One statement of a function's resource policy: a service may invoke it for `source`.

    The statement's id comes from the source's ARN: a source that was made again needs another
    statement, and the old one differs only in that ARN.
    """

    function: Function
    principal_service: str
    source: Resource[Any]
    source_suffix: str = ""

    kind: ClassVar[str] = "permission"
    outputs: ClassVar[type[PermissionOutputs]] = PermissionOutputs
    identity: ClassVar[tuple[str, ...]] = ("FunctionName", "StatementId")
    taggable: ClassVar[bool] = False
    # By their ARNs, in its condition.
    only_names: ClassVar[frozenset[str]] = frozenset({"event_rule", "target_group", "rest_api"})
    grants: ClassVar[tuple[Grant, ...]] = (
        Grant("read up down", "lambda", "GetPolicy", FUNCTIONS),
        Grant("up", "lambda", "AddPermission", FUNCTIONS),
        Grant("up down", "lambda", "RemovePermission", FUNCTIONS),
    )

    def desired(self, deployed: Deployed) -> Properties:
        """Return the parameters of AddPermission."""
        source_arn = f"{deployed[self.source].arn}{self.source_suffix}"
        return {
            "FunctionName": deployed[self.function].id,
            "StatementId": source_arn
            if is_unknown(source_arn)
            else function_policies.statement_id(source_arn),
            "Action": "lambda:InvokeFunction",
            "Principal": deployed.aws.partition.service_principal(self.principal_service),
            "SourceArn": source_arn,
        }

    @classmethod
    def read(
        cls, aws: Aws, recorded: PermissionOutputs | None, desired: Properties
    ) -> Actual[PermissionOutputs] | None:
        """Find the statement in the function's policy; None when there is none."""
        outputs = recorded or _permission_outputs(desired)
        statement = _statement(aws, outputs)
        return None if statement is None else Actual(outputs, _permission(outputs, statement))

    def create(self, aws: Aws, desired: Properties) -> PermissionOutputs:
        """Add the statement and wait until it is seen."""
        outputs = _permission_outputs(desired)
        with function_policies.lock(outputs.function_name):
            _add(aws, outputs, desired)
        return outputs

    def update(
        self,
        aws: Aws,
        actual: Actual[PermissionOutputs],
        desired: Properties,
        changed: Properties,
    ) -> PermissionOutputs:
        """Replace a statement that others changed."""
        del changed
        with function_policies.lock(actual.outputs.function_name):
            _remove(aws, actual.outputs)
            _add(aws, actual.outputs, desired)
        return actual.outputs

    @classmethod
    def tags_of(cls, aws: Aws, recorded: PermissionOutputs) -> Mapping[str, str] | None:
        """Return the tags of its function; None when that is gone."""
        return tags_of_function(aws, recorded.function_name)

    @classmethod
    def delete(cls, aws: Aws, recorded: PermissionOutputs) -> None:
        """Remove the statement."""
        with function_policies.lock(recorded.function_name):
            _remove(aws, recorded)


def _add(aws: Aws, outputs: PermissionOutputs, desired: Properties) -> None:
    aws.awslambda.add_permission(**desired)
    aws.wait_until(
        f"Lambda to show the permission to invoke `{outputs.function_name}`",
        lambda: _statement(aws, outputs),
        timeout_s=POLICY_SHOWS_WITHIN_S,
    )


def _remove(aws: Aws, outputs: PermissionOutputs) -> None:
    with ignore_missing():
        aws.awslambda.remove_permission(FunctionName=outputs.function_name, StatementId=outputs.id)


def _statement(aws: Aws, outputs: PermissionOutputs) -> Mapping[str, Any] | None:
    statements = function_policies.read(aws, outputs.function_name)
    return next((each for each in statements if each.get("Sid") == outputs.id), None)


def _permission_outputs(desired: Properties) -> PermissionOutputs:
    return PermissionOutputs(
        id=str(desired["StatementId"]), arn="", function_name=str(desired["FunctionName"])
    )


def _permission(outputs: PermissionOutputs, statement: Mapping[str, Any]) -> Properties:
    """Return a statement in the spelling of AddPermission."""
    sources = function_policies.sources_of(statement)
    return {
        "FunctionName": outputs.function_name,
        "StatementId": outputs.id,
        "Action": statement.get("Action"),
        "Principal": function_policies.principal_of(statement),
        "SourceArn": sources[0] if sources else None,
    }
