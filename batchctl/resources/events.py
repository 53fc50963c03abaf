"""EventBridge: the rule that brings the ends of Batch jobs to a function."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from batchctl.aws.concurrently import concurrently
from batchctl.aws.errors import NotReady, ignore_missing
from batchctl.aws.session import Aws
from batchctl.aws.tags import as_dict, as_list
from batchctl.contract.noteworthy_ends import NOTEWORTHY_ENDS
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
from batchctl.resources.awslambda.functions import Function
from batchctl.resources.batch.queues import JobQueue, arns_of_generations
from batchctl.resources.sqs import Queue

# Six hours, and as many tries as EventBridge makes at most (EventBridge User Guide, "Retry policy
# and using dead-letter queues").
DELIVERED_WITHIN_S = 6 * 3600
MOST_DELIVERIES = 185


RULES = ("rule/{stack}-*",)


@dataclass(frozen=True, kw_only=True)
class EventRule(Resource[Outputs]):
    """A rule of the default event bus: sends noteworthy ends of these queues' jobs to a function.

    Those of a queue's predecessors too, which stay until their jobs have ended.

    Undeliverable events go to `dead_letters`, whose policy must let EventBridge send for this
    rule. PutRule overwrites a rule of the same name without a word (EventBridge API Reference), so
    that a foreign one is refused by what `read` finds.
    """

    job_queues: tuple[JobQueue, ...]
    function: Function
    dead_letters: Queue

    kind: ClassVar[str] = "event_rule"
    group: ClassVar[Group | None] = Group.EVENTS
    identity: ClassVar[tuple[str, ...]] = ("Name",)
    vital: ClassVar[tuple[str, ...]] = ("State", "Targets")
    calls_to_read: ClassVar[int] = 3
    # In its pattern.
    only_names: ClassVar[frozenset[str]] = frozenset({"job_queue"})
    grants: ClassVar[tuple[Grant, ...]] = (
        Grant(
            "read up down", "events", "DescribeRule ListTagsForResource ListTargetsByRule", RULES
        ),
        Grant("up", "events", "PutRule PutTargets TagResource UntagResource", RULES),
        Grant("up down", "events", "RemoveTargets", RULES),
        Grant("down", "events", "DeleteRule", RULES),
    )

    def desired(self, deployed: Deployed) -> Properties:
        """Return the parameters of PutRule and the Targets of PutTargets."""
        return {
            "Name": self.physical_name,
            "EventPattern": Document(self._pattern(deployed)),
            "State": "ENABLED",
            "Targets": [self._target(deployed)],
        }

    def _pattern(self, deployed: Deployed) -> dict[str, Any]:
        return {
            "source": ["aws.batch"],
            "detail-type": ["Batch Job State Change"],
            "detail": {
                "jobQueue": [
                    arn
                    for queue in self.job_queues
                    for arn in arns_of_generations(queue, deployed[queue].arn)
                ],
                "$or": [dict(each) for each in NOTEWORTHY_ENDS],
            },
        }

    def _target(self, deployed: Deployed) -> dict[str, Any]:
        return {
            "Id": self.function.label,
            "Arn": deployed[self.function].arn,
            "RetryPolicy": {
                "MaximumRetryAttempts": MOST_DELIVERIES,
                "MaximumEventAgeInSeconds": DELIVERED_WITHIN_S,
            },
            "DeadLetterConfig": {"Arn": deployed[self.dead_letters].arn},
        }

    @classmethod
    def read(
        cls, aws: Aws, recorded: Outputs | None, desired: Properties
    ) -> Actual[Outputs] | None:
        """Find the rule by name, with its targets; None when there is none."""
        name = recorded.id if recorded else str(desired["Name"])
        with ignore_missing():
            rule = aws.events.describe_rule(Name=name)
            outputs = Outputs(id=name, arn=rule["Arn"])
            tags, targets = concurrently(
                partial(cls.tags_of, aws, outputs), partial(_targets, aws, name)
            )
            if tags is None:
                return None
            require_owned(aws, f"event rule `{name}`", tags)
            properties = {
                "Name": name,
                "EventPattern": Document(json.loads(rule.get("EventPattern") or "{}")),
                "State": rule["State"],
                "Targets": targets,
            }
            return Actual(outputs, properties, tags)
        return None

    def create(self, aws: Aws, desired: Properties) -> Outputs:
        """Make the rule with its tags, then give it its target."""
        answer = aws.events.put_rule(**_rule(desired), Tags=_tag_list(aws.tags))
        outputs = Outputs(id=desired["Name"], arn=answer["RuleArn"])
        _put_targets(aws, outputs.id, desired["Targets"])
        return outputs

    def update(
        self, aws: Aws, actual: Actual[Outputs], desired: Properties, changed: Properties
    ) -> Outputs:
        """Put the rule and its one target; targets that others added are removed."""
        name = actual.outputs.id
        if changed.keys() - {"Targets"}:
            aws.events.put_rule(**_rule(desired))
        if "Targets" in changed:
            _put_targets(aws, name, desired["Targets"])
            wanted = {target["Id"] for target in desired["Targets"]}
            found = {target["Id"] for target in actual.properties["Targets"]}
            _remove_targets(aws, name, sorted(found - wanted))
        return actual.outputs

    def loosened(self, actual: Properties, desired: Properties) -> Iterator[str]:
        """Say which targets of others go."""
        ours = {each["Id"] for each in desired["Targets"]}
        for target in actual["Targets"]:
            if target["Id"] not in ours:
                yield f"rule `{self.name}` loses the target `{target.get('Arn')}` of others"

    def write_tags(
        self, aws: Aws, outputs: Outputs, tags: Mapping[str, str], removed: Sequence[str]
    ) -> None:
        """Set and remove tags."""
        aws.events.tag_resource(ResourceARN=outputs.arn, Tags=_tag_list(tags))
        if removed:
            aws.events.untag_resource(ResourceARN=outputs.arn, TagKeys=removed)

    @classmethod
    def tags_of(cls, aws: Aws, recorded: Outputs) -> Mapping[str, str] | None:
        """Return the tags that it has now; None when it is gone."""
        arn = aws.arn("events", f"rule/{recorded.id}")
        with ignore_missing():
            return as_dict(aws.events.list_tags_for_resource(ResourceARN=arn)["Tags"])
        return None

    @classmethod
    def delete(cls, aws: Aws, recorded: Outputs) -> None:
        """Remove the targets, without which AWS deletes no rule, then the rule."""
        with ignore_missing():
            targets = [target["Id"] for target in _targets(aws, recorded.id)]
            _remove_targets(aws, recorded.id, targets)
            aws.events.delete_rule(Name=recorded.id)


def _rule(desired: Properties) -> dict[str, Any]:
    pattern = json.dumps(desired["EventPattern"])
    return {"Name": desired["Name"], "EventPattern": pattern, "State": desired["State"]}


def _targets(aws: Aws, rule: str) -> list[dict[str, Any]]:
    pages = aws.events.get_paginator("list_targets_by_rule").paginate(Rule=rule)
    targets: list[dict[str, Any]] = [dict(target) for page in pages for target in page["Targets"]]
    return sorted(targets, key=lambda target: str(target["Id"]))


def _put_targets(aws: Aws, rule: str, targets: Any) -> None:
    answer = aws.events.put_targets(Rule=rule, Targets=targets)
    _refuse_failures(rule, answer["FailedEntries"] if answer["FailedEntryCount"] else [])


def _remove_targets(aws: Aws, rule: str, ids: Sequence[str]) -> None:
    if ids:
        answer = aws.events.remove_targets(Rule=rule, Ids=ids)
        _refuse_failures(rule, answer["FailedEntries"] if answer["FailedEntryCount"] else [])


def _refuse_failures(rule: str, failed: Sequence[Mapping[str, Any]]) -> None:
    """Raise NotReady for failed entries of an answer that is otherwise a success."""
    if failed:
        said = failed[0].get("ErrorMessage") or failed[0].get("ErrorCode")
        raise NotReady(
            f"could not change the targets of event rule `{rule}`: {said}",
            hint="run the command again",
        )


def _tag_list(tags: Mapping[str, str]) -> Any:
    return as_list(tags)
