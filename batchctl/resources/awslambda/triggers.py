"""Lambda: what makes functions run, a queue's messages or a service that may invoke them.

The functions themselves are in `awslambda_functions`.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from batchctl.aws.errors import ignore_missing
from batchctl.aws.session import Aws
from batchctl.aws.waiting import Pending
from batchctl.resource import Actual, Deployed, Outputs, Properties, Resource, is_unknown
from batchctl.resources.awslambda.functions import Function
from batchctl.resources.sqs import Queue

__all__ = ["EventSourceMapping", "Function", "Permission"]

# Creating, updating and deleting take seconds to minutes; a deletion lets messages in work finish.
MAPPING_SETTLES_WITHIN_S = 600.0
POLICY_SHOWS_WITHIN_S = 120.0


@dataclass(frozen=True, kw_only=True)
class EventSourceMapping(Resource[Outputs]):
    """Lambda's pollers, which give the messages of a queue to a function; the id is a UUID.

    Failed messages are named one by one (partial batch responses), so that the others of a batch
    are done. Known by its queue and function, which are ours: aws-cn has no tags on mappings
    (Getting Started with Amazon Web Services in China, Lambda).
    """

    queue: Queue
    function: Function
    batch_size: int = 10

    kind: ClassVar[str] = "event_source_mapping"
    identity: ClassVar[tuple[str, ...]] = ("EventSourceArn", "FunctionName")
    entry_point: ClassVar[bool] = True
    # Lambda polls an empty queue as well (Lambda developer guide, "Using Lambda with Amazon SQS").
    cost: ClassVar[str] = "is billed by the requests with which Lambda polls the queue"
    taggable: ClassVar[bool] = False

    def desired(self, deployed: Deployed) -> Properties:
        """Return the parameters of CreateEventSourceMapping, and the state that it should have."""
        return {
            "EventSourceArn": deployed[self.queue].arn,
            "FunctionName": deployed[self.function].id,
            "BatchSize": self.batch_size,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
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
        parameters = {key: value for key, value in desired.items() if key != "State"}
        answer = aws.awslambda.create_event_source_mapping(**parameters, Enabled=True)
        _wait_until_polling(aws, answer["UUID"])
        return _mapping_outputs(aws, answer)

    def update(
        self, aws: Aws, actual: Actual[Outputs], desired: Properties, changed: Properties
    ) -> Outputs:
        """Change what differs and wait until it polls again."""
        del desired
        parameters: dict[str, Any] = {key: changed[key] for key in changed if key != "State"}
        if "State" in changed:
            parameters["Enabled"] = True
        aws.awslambda.update_event_source_mapping(UUID=actual.outputs.id, **parameters)
        _wait_until_polling(aws, actual.outputs.id)
        return actual.outputs

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
    return {**found, "FunctionName": found["FunctionArn"].rpartition(":")[2]}


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

    def desired(self, deployed: Deployed) -> Properties:
        """Return the parameters of AddPermission."""
        source_arn = f"{deployed[self.source].arn}{self.source_suffix}"
        return {
            "FunctionName": deployed[self.function].id,
            "StatementId": source_arn if is_unknown(source_arn) else _statement_id(source_arn),
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
        with _policy_lock(outputs.function_name):
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
        with _policy_lock(actual.outputs.function_name):
            _remove(aws, actual.outputs)
            _add(aws, actual.outputs, desired)
        return actual.outputs

    @classmethod
    def delete(cls, aws: Aws, recorded: PermissionOutputs) -> None:
        """Remove the statement."""
        with _policy_lock(recorded.function_name):
            _remove(aws, recorded)


# Changes of one function's policy at the same time can lose a statement, without an error (so
# Terraform's provider, which takes them one by one as well). Other processes are kept apart by the
# lock on the state.
_POLICY_LOCKS: dict[str, threading.Lock] = {}


def _policy_lock(function_name: str) -> threading.Lock:
    return _POLICY_LOCKS.setdefault(function_name, threading.Lock())


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
    with ignore_missing():
        policy = aws.awslambda.get_policy(FunctionName=outputs.function_name)["Policy"]
        statements: list[Mapping[str, Any]] = json.loads(policy)["Statement"]
        return next((each for each in statements if each.get("Sid") == outputs.id), None)
    return None


def _statement_id(source_arn: str) -> str:
    """Return an id within Lambda's 100 characters (API Reference, AddPermission)."""
    return f"batchctl-{hashlib.sha256(source_arn.encode()).hexdigest()[:40]}"


def _permission_outputs(desired: Properties) -> PermissionOutputs:
    return PermissionOutputs(
        id=str(desired["StatementId"]), arn="", function_name=str(desired["FunctionName"])
    )


def _permission(outputs: PermissionOutputs, statement: Mapping[str, Any]) -> Properties:
    """Return a statement in the spelling of AddPermission."""
    principal = statement.get("Principal", {})
    conditions = statement.get("Condition", {}).values()
    sources = [
        value
        for each in conditions
        for key, value in each.items()
        if key.lower() == "aws:sourcearn"
    ]
    return {
        "FunctionName": outputs.function_name,
        "StatementId": outputs.id,
        "Action": statement.get("Action"),
        "Principal": principal.get("Service") if isinstance(principal, dict) else principal,
        "SourceArn": sources[0] if sources else None,
    }
