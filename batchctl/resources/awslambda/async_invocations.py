"""Lambda: what becomes of events for whose answer nobody waits, when a function fails them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from batchctl.aws.errors import ignore_missing
from batchctl.aws.session import Aws
from batchctl.resource import Actual, Deployed, Group, Outputs, Properties, Resource
from batchctl.resource.grants import Grant
from batchctl.resources.awslambda.functions import FUNCTIONS, Function, tags_of_function
from batchctl.resources.sqs import Queue


@dataclass(frozen=True, kw_only=True)
class AsyncInvocation(Resource[Outputs]):
    """How often Lambda tries an event again that a function failed, and where it goes after that.

    EventBridge's own dead letters are of events that Lambda didn't take; one that the function
    fails is Lambda's (Lambda Developer Guide, "Capturing records of Lambda asynchronous
    invocations"). The function's role must be allowed to send to `dead_letters`. There is one for
    each function, and so its id is the function's name.
    """

    function: Function
    dead_letters: Queue
    retries: int = 2
    oldest_event_s: int = 6 * 3600

    kind: ClassVar[str] = "async_invocation"
    group: ClassVar[Group | None] = Group.EVENTS
    identity: ClassVar[tuple[str, ...]] = ("FunctionName",)
    taggable: ClassVar[bool] = False
    grants: ClassVar[tuple[Grant, ...]] = (
        Grant("read up", "lambda", "GetFunctionEventInvokeConfig", FUNCTIONS),
        Grant("up", "lambda", "PutFunctionEventInvokeConfig", FUNCTIONS),
        Grant("down", "lambda", "DeleteFunctionEventInvokeConfig", FUNCTIONS),
    )

    def desired(self, deployed: Deployed) -> Properties:
        """Return the parameters of PutFunctionEventInvokeConfig."""
        return {
            "FunctionName": deployed[self.function].id,
            "MaximumRetryAttempts": self.retries,
            "MaximumEventAgeInSeconds": self.oldest_event_s,
            "DestinationConfig": {
                "OnFailure": {"Destination": deployed[self.dead_letters].arn},
            },
        }

    @classmethod
    def read(
        cls, aws: Aws, recorded: Outputs | None, desired: Properties
    ) -> Actual[Outputs] | None:
        """Find the configuration of the function; None when there is none."""
        name = recorded.id if recorded else str(desired["FunctionName"])
        with ignore_missing():
            found: Mapping[str, Any] = aws.awslambda.get_function_event_invoke_config(
                FunctionName=name
            )
            return Actual(Outputs(id=name, arn=""), {**found, "FunctionName": name})
        return None

    def create(self, aws: Aws, desired: Properties) -> Outputs:
        """Put the configuration."""
        aws.awslambda.put_function_event_invoke_config(**desired)
        return Outputs(id=desired["FunctionName"], arn="")

    def update(
        self, aws: Aws, actual: Actual[Outputs], desired: Properties, changed: Properties
    ) -> Outputs:
        """Put the whole configuration again."""
        del changed
        aws.awslambda.put_function_event_invoke_config(**desired)
        return actual.outputs

    @classmethod
    def tags_of(cls, aws: Aws, recorded: Outputs) -> Mapping[str, str] | None:
        """Return the tags of its function; None when that is gone."""
        return tags_of_function(aws, recorded.id)

    @classmethod
    def delete(cls, aws: Aws, recorded: Outputs) -> None:
        """Delete the configuration; the function's own deletion takes it along."""
        with ignore_missing():
            aws.awslambda.delete_function_event_invoke_config(FunctionName=recorded.id)
