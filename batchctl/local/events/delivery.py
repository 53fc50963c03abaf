"""Brings an event to a target, or, when that can't be, to the target's dead-letter queue.

Amazon EventBridge User Guide, "Using dead-letter queues to process undelivered events": an event
whose target is gone or doesn't permit it isn't tried again. A function that fails has received the
event all the same: AWS Lambda calls it again, and keeps what fails for good (Lambda Developer
Guide, "How Lambda handles errors and retries with asynchronous invocation").
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from batchctl.local.batch.model.scope import Clock
from batchctl.local.events.event import Event
from batchctl.local.events.permission import permits
from batchctl.local.events.rules import FRESH_S, Target

logger = logging.getLogger(__name__)


class UndeliverableError(Exception):
    """A target that can't be reached: EventBridge's error code for it, and why."""

    def __init__(self, code: str, why: str) -> None:
        """Keep both for the dead letter."""
        super().__init__(why)
        self.code, self.why = code, why


class Delivery:
    """Delivers to functions and queues; `client` gives the client of a service."""

    def __init__(self, client: Callable[[str], Any], clock: Clock = time.monotonic) -> None:
        """Call nothing yet."""
        self._client, self._clock = client, clock
        self._policies: dict[str, tuple[str | None, float]] = {}

    def deliver(self, event: Event, target: Target) -> None:
        """Bring the event to the target; quiet whatever happens, the log says what did."""
        try:
            self._send(event, target)
        except UndeliverableError as error:
            self._bury(event, target, error)
        except (ClientError, BotoCoreError) as error:
            self._bury(event, target, UndeliverableError("SDK_CLIENT_ERROR", str(error)))

    def _send(self, event: Event, target: Target) -> None:
        text = target.constant or json.dumps(event)
        service = target.arn.split(":")[2]
        if service == "lambda":
            self._invoke(text, target)
        elif service == "sqs":
            self._enqueue(target.arn, target.rule_arn, {"MessageBody": text})
        else:
            why = f"the local cloud delivers to functions and queues only, not to {target.arn}"
            raise UndeliverableError("INVALID_PARAMETER", why)

    def _invoke(self, text: str, target: Target) -> None:
        functions = self._client("lambda")
        # What was remembered of the policy may be older than a permission that was just given.
        if not any(
            permits(self._policy(target.arn, fresh_s), "lambda:InvokeFunction", target.rule_arn)
            for fresh_s in (FRESH_S, 0.0)
        ):
            raise _not_permitted(target.arn, target.rule_arn)
        # Waited for, so that a thousand events at once don't start a thousand processes.
        answer = functions.invoke(
            FunctionName=target.arn, Payload=text, InvocationType="RequestResponse"
        )
        if "FunctionError" in answer:
            logger.warning("%s failed on an event: %s", target.arn, answer["Payload"].read())
            functions.invoke(FunctionName=target.arn, Payload=text, InvocationType="Event")

    def _policy(self, function_arn: str, fresh_s: float) -> str | None:
        """Return a function's resource policy, read again when it is `fresh_s` old."""
        policy, read_at = self._policies.get(function_arn, (None, -FRESH_S))
        if self._clock() - read_at >= fresh_s:
            functions = self._client("lambda")
            try:
                policy = str(functions.get_policy(FunctionName=function_arn)["Policy"])
            except functions.exceptions.ResourceNotFoundException:
                policy = None
            self._policies[function_arn] = policy, self._clock()
        return policy

    def _enqueue(self, queue_arn: str, rule_arn: str, message: dict[str, Any]) -> None:
        queues = self._client("sqs")
        try:
            url = queues.get_queue_url(QueueName=queue_arn.rpartition(":")[2])["QueueUrl"]
            attributes = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])
        except queues.exceptions.QueueDoesNotExist as error:
            raise UndeliverableError("RESOURCE_NOT_FOUND", f"there is no {queue_arn}") from error
        if not permits(attributes.get("Attributes", {}).get("Policy"), "sqs:SendMessage", rule_arn):
            raise _not_permitted(queue_arn, rule_arn)
        queues.send_message(QueueUrl=url, **message)

    def _bury(self, event: Event, target: Target, error: UndeliverableError) -> None:
        logger.warning("an event was not delivered: %s", error.why)
        if target.dead_letter_arn is None:
            return
        named = {
            "RULE_ARN": target.rule_arn,
            "TARGET_ARN": target.arn,
            "ERROR_CODE": error.code,
            "ERROR_MESSAGE": error.why,
        }
        attributes = {
            name: {"DataType": "String", "StringValue": value} for name, value in named.items()
        }
        message = {"MessageBody": json.dumps(event), "MessageAttributes": attributes}
        try:
            self._enqueue(target.dead_letter_arn, target.rule_arn, message)
        except (UndeliverableError, ClientError, BotoCoreError) as lost:
            logger.warning("an event is lost: its dead-letter queue doesn't take it: %s", lost)


def _not_permitted(arn: str, rule_arn: str) -> UndeliverableError:
    return UndeliverableError("NO_PERMISSIONS", f"{arn} has no policy that lets {rule_arn} use it")
