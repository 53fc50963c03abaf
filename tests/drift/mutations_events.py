"""What other hands can change of the way that Batch's events take."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from built import Application
from hypothesis import strategies as st
from mutation import Mutation, other, tag


def _rule() -> Sequence[Mutation]:
    address = "event_rule.job_events"

    def pattern(application: Application, rule: Any, value: Any) -> None:
        events = application.client("events")
        found = events.describe_rule(Name=rule.id)
        changed = {**json.loads(found["EventPattern"]), "source": value}
        events.put_rule(Name=rule.id, EventPattern=json.dumps(changed), State=found["State"])

    def disable(application: Application, rule: Any, _: Any) -> None:
        application.client("events").disable_rule(Name=rule.id)

    def targets(application: Application, rule: Any, value: Any) -> None:
        events = application.client("events")
        found = events.list_targets_by_rule(Rule=rule.id)["Targets"]
        if value is None:
            events.remove_targets(Rule=rule.id, Ids=[target["Id"] for target in found])
        else:
            events.put_targets(Rule=rule.id, Targets=[{**found[0], **value}])

    def write_tags(application: Application, rule: Any, tags: Mapping[str, str]) -> None:
        application.client("events").tag_resource(
            ResourceARN=rule.arn, Tags=[{"Key": k, "Value": v} for k, v in tags.items()]
        )

    theirs = {"Id": "theirs", "Arn": "arn:aws:lambda:us-east-1:123456789012:function:theirs"}
    late = {"RetryPolicy": {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}}
    return (
        Mutation(address, "EventPattern.source", pattern, other(["aws.ec2"])),
        Mutation(address, "State", disable, st.none()),
        Mutation(address, "Targets", targets, other(None, theirs, late)),
        tag(address, write_tags),
    )


def _async_invocation() -> Sequence[Mutation]:
    address = "async_invocation.tracker"

    def put(application: Application, found: Any, value: Mapping[str, Any]) -> None:
        awslambda = application.client("lambda")
        now = awslambda.get_function_event_invoke_config(FunctionName=found.id)
        names = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")
        awslambda.put_function_event_invoke_config(
            FunctionName=found.id, **({name: now[name] for name in names} | dict(value))
        )

    elsewhere = "arn:aws:sqs:us-east-1:123456789012:elsewhere"
    return (
        Mutation(address, "MaximumRetryAttempts", put, other({"MaximumRetryAttempts": 0})),
        Mutation(address, "MaximumEventAgeInSeconds", put, other({"MaximumEventAgeInSeconds": 60})),
        Mutation(
            address,
            "DestinationConfig.OnFailure.Destination",
            put,
            other({"DestinationConfig": {"OnFailure": {"Destination": elsewhere}}}),
        ),
    )


EVENTS: tuple[Mutation, ...] = (*_rule(), *_async_invocation())
