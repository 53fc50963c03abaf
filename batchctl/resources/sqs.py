"""SQS: the queue of requested jobs and its dead letters."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from batchctl.aws.errors import ignore_missing
from batchctl.aws.session import Aws
from batchctl.resource import (
    Actual,
    Deployed,
    Document,
    Group,
    Outputs,
    Properties,
    Resource,
    require_owned,
)
from batchctl.resource.grants import Grant
from batchctl.resources.iam import policies as iam_policies

# Encryption with a key of SQS's own.
OWN_KEY = "SqsManagedSseEnabled"
QUEUES = ("{stack}-*",)


@dataclass(frozen=True)
class QueueOutputs(Outputs):
    """A queue's id is its name; the URL is what SQS calls take (never built, always read)."""

    url: str


@dataclass(frozen=True, kw_only=True)
class Queue(Resource[QueueOutputs]):
    """A standard queue, encrypted at rest; with `dead_letters`, messages that fail often go there.

    Its policy is ours: nobody may use it over anything but TLS, and with `event_rule`, a name,
    EventBridge may send to it what that rule couldn't deliver. With `takes_from`, the name of
    another queue, that one alone may have it as its dead-letter queue, else none may: by name, as
    that queue needs this one first.

    `visibility_timeout_s` should be 6 times the timeout of the function that reads it (Lambda
    developer guide, "Creating an SQS event source mapping").
    """

    visibility_timeout_s: int
    retention_s: int
    dead_letters: Queue | None = None
    max_receive_count: int = 5
    event_rule: str | None = None
    takes_from: str | None = None

    kind: ClassVar[str] = "queue"
    group: ClassVar[Group | None] = Group.QUEUE
    outputs: ClassVar[type[QueueOutputs]] = QueueOutputs
    identity: ClassVar[tuple[str, ...]] = ("QueueName",)
    calls_to_read: ClassVar[int] = 2
    grants: ClassVar[tuple[Grant, ...]] = (
        Grant("read up down", "sqs", "GetQueueUrl ListQueueTags", QUEUES),
        Grant("read up down", "sqs", "GetQueueAttributes", QUEUES),
        Grant("up", "sqs", "CreateQueue SetQueueAttributes TagQueue UntagQueue", QUEUES),
        Grant("down", "sqs", "DeleteQueue", QUEUES),
    )
    retentions: ClassVar[tuple[str, ...]] = ("Attributes.MessageRetentionPeriod",)

    def desired(self, deployed: Deployed) -> Properties:
        """Return QueueName and Attributes, with the policies as documents."""
        return {
            "QueueName": self.physical_name,
            "Attributes": {
                "VisibilityTimeout": str(self.visibility_timeout_s),
                "MessageRetentionPeriod": str(self.retention_s),
                OWN_KEY: "true",
                "RedrivePolicy": self._redrive_policy(deployed),
                "RedriveAllowPolicy": self._redrive_allow_policy(deployed),
                "Policy": self._policy(deployed),
            },
        }

    def _redrive_policy(self, deployed: Deployed) -> Document:
        if self.dead_letters is None:
            return Document()
        return Document(
            deadLetterTargetArn=deployed[self.dead_letters].arn,
            maxReceiveCount=self.max_receive_count,
        )

    def _redrive_allow_policy(self, deployed: Deployed) -> Document:
        """Return whose dead letters may come here (SQS API reference, SetQueueAttributes)."""
        if self.takes_from is None:
            return Document(redrivePermission="denyAll")
        source = deployed.aws.arn("sqs", self.takes_from)
        return Document(redrivePermission="byQueue", sourceQueueArns=[source])

    def _policy(self, deployed: Deployed) -> Document:
        arn = deployed.aws.arn("sqs", self.physical_name)
        # IAM user guide, "AWS global condition context keys": aws:SecureTransport.
        only_tls = {
            "Sid": "RefuseWhatIsNotEncryptedOnItsWay",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sqs:*",
            "Resource": arn,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        return Document(
            Version=iam_policies.VERSION, Statement=[only_tls, *self._senders(deployed, arn)]
        )

    def _senders(self, deployed: Deployed, arn: str) -> list[dict[str, Any]]:
        """Return who else may send (EventBridge User Guide, "Dead-letter queues": permissions)."""
        if self.event_rule is None:
            return []
        aws = deployed.aws
        statement = {
            "Sid": "TakeWhatTheRuleCouldNotDeliver",
            "Effect": "Allow",
            "Principal": {"Service": aws.partition.service_principal("events")},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {
                "ArnEquals": {"aws:SourceArn": aws.arn("events", f"rule/{self.event_rule}")}
            },
        }
        return [statement]

    @classmethod
    def read(
        cls, aws: Aws, recorded: QueueOutputs | None, desired: Properties
    ) -> Actual[QueueOutputs] | None:
        """Find the queue by its URL, or by name; None when there is none (or it was deleted)."""
        name = recorded.id if recorded else str(desired["QueueName"])
        with ignore_missing():
            url = recorded.url if recorded else aws.sqs.get_queue_url(QueueName=name)["QueueUrl"]
            found = aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
            tags = aws.sqs.list_queue_tags(QueueUrl=url).get("Tags", {})
            require_owned(aws, f"queue `{name}`", tags)
            attributes = found["Attributes"]
            return Actual(
                QueueOutputs(id=name, arn=attributes["QueueArn"], url=url),
                {"QueueName": name, "Attributes": _parsed(attributes)},
                tags,
            )
        return None

    def create(self, aws: Aws, desired: Properties) -> QueueOutputs:
        """Make the queue with its attributes and tags."""
        name = desired["QueueName"]
        given = {key: value for key, value in _texts(desired["Attributes"]).items() if value}
        answer = aws.sqs.create_queue(QueueName=name, Attributes=given, tags=aws.tags)
        arn = aws.arn("sqs", name)
        return QueueOutputs(id=name, arn=arn, url=answer["QueueUrl"])

    def update(
        self,
        aws: Aws,
        actual: Actual[QueueOutputs],
        desired: Properties,
        changed: Properties,
    ) -> QueueOutputs:
        """Set the attributes; SQS takes up to 60 s to act on them everywhere."""
        del desired
        aws.sqs.set_queue_attributes(
            QueueUrl=actual.outputs.url, Attributes=_texts(changed["Attributes"])
        )
        return actual.outputs

    def write_tags(
        self, aws: Aws, outputs: QueueOutputs, tags: Mapping[str, str], removed: Sequence[str]
    ) -> None:
        """Set and remove tags."""
        aws.sqs.tag_queue(QueueUrl=outputs.url, Tags=tags)
        if removed:
            aws.sqs.untag_queue(QueueUrl=outputs.url, TagKeys=removed)

    def loosened(self, actual: Properties, desired: Properties) -> Iterator[str]:
        """Say that a key goes, or a policy by which others refuse calls."""
        key, own = actual["Attributes"].get("KmsMasterKeyId"), desired["Attributes"][OWN_KEY]
        if key and own == "true":
            yield f"queue `{self.name}` is no longer encrypted with the key `{key}`"
        had, wanted = (each["Attributes"]["Policy"] for each in (actual, desired))
        if iam_policies.refuses(had, wanted):
            yield f"the policy of queue `{self.name}` no longer refuses what others had it refuse"

    @classmethod
    def tags_of(cls, aws: Aws, recorded: QueueOutputs) -> Mapping[str, str] | None:
        """Return the tags that it has now; None when it is gone."""
        with ignore_missing():
            return dict(aws.sqs.list_queue_tags(QueueUrl=recorded.url).get("Tags", {}))
        return None

    @classmethod
    def delete(cls, aws: Aws, recorded: QueueOutputs) -> None:
        """Delete the queue with its messages; its name stays taken for 60 s (DeleteQueue)."""
        with ignore_missing():
            aws.sqs.delete_queue(QueueUrl=recorded.url)


def _parsed(attributes: Mapping[Any, str]) -> dict[str, str | Document]:
    """Return attributes with the policies parsed; an absent one is an empty one."""
    redrive = json.loads(attributes.get("RedrivePolicy") or "{}")
    if "maxReceiveCount" in redrive:
        redrive["maxReceiveCount"] = int(redrive["maxReceiveCount"])
    return {
        **attributes,
        "RedrivePolicy": Document(redrive),
        "RedriveAllowPolicy": Document(json.loads(attributes.get("RedriveAllowPolicy") or "{}")),
        "Policy": Document(json.loads(attributes.get("Policy") or "{}")),
    }


def _texts(attributes: Mapping[str, str | Document]) -> Any:
    """Return attributes as SQS takes them: documents as JSON, an empty document as empty text."""
    return {
        key: value if isinstance(value, str) else json.dumps(value) if value else ""
        for key, value in attributes.items()
    }


def depth(aws: Aws, url: str) -> int:
    """Return about how many messages a queue holds, waiting and in flight; 0 when it is gone."""
    names: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    with ignore_missing():
        found = aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)
        return sum(int(number) for number in found["Attributes"].values())
    return 0
