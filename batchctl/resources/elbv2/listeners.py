"""Elastic Load Balancing: the listener and its rules, which lead requests to target groups.

The load balancer and the target groups are in the other files of this name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from batchctl.aws.batched_reads import BatchedRead
from batchctl.aws.concurrently import concurrently
from batchctl.aws.errors import ignore_missing
from batchctl.aws.session import Aws
from batchctl.resource import (
    Actual,
    Deployed,
    Group,
    Outputs,
    Properties,
    Resource,
    is_owned,
    require_owned,
)
from batchctl.resource.grants import Grant
from batchctl.resources.acm import Certificate
from batchctl.resources.elbv2.load_balancers import LoadBalancer
from batchctl.resources.elbv2.rules_of_others import rules_of_listener, rules_of_others
from batchctl.resources.elbv2.tags import (
    BATCHED_TAGS,
    ELB,
    Tagged,
    read_tags,
    tag_list,
)
from batchctl.resources.elbv2.target_groups import Target, TargetGroup

__all__ = ["Listener", "LoadBalancer", "Rule", "Target", "TargetGroup"]

# TLS 1.3 and 1.2, as AWS recommends (Elastic Load Balancing guide, "Security policies for your
# Application Load Balancer"); said, as CreateListener's own default still speaks TLS 1.0.
TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"
# Elastic Load Balancing API Reference, MutualAuthenticationAttributes.
CLIENT_CERTIFICATES, NO_CLIENT_CERTIFICATES = "MutualAuthentication", {"Mode": "off"}
NOT_FOUND = {
    "Type": "fixed-response",
    "FixedResponseConfig": {
        "StatusCode": "404",
        "ContentType": "application/json",
        "MessageBody": json.dumps({"error": "not found"}),
    },
}


BALANCERS = ("loadbalancer/app/{stack}-*",)
LISTENERS = ("listener/app/{stack}-*",)
RULES = ("listener-rule/app/{stack}-*",)


@dataclass(frozen=True)
class ListenerOutputs(Outputs):
    """A listener's id is its ARN; callers need the port and the scheme: "http" or "https"."""

    port: int
    scheme: str


@dataclass(frozen=True, kw_only=True)
class Listener(Tagged, Resource[ListenerOutputs]):
    """A port of the load balancer: HTTPS with a certificate, else HTTP; its id is its ARN.

    What no rule takes is answered with 404 and a JSON body. What guards the load balancer (a web
    ACL) comes first. Rules of others on it are theirs: one that is tried before ours is noted.
    """

    load_balancer: LoadBalancer
    port: int
    certificate: Certificate | None = None
    guarded_by: Resource[Any] | None = None

    kind: ClassVar[str] = "listener"
    group: ClassVar[Group | None] = Group.FRONT_DOOR
    outputs: ClassVar[type[ListenerOutputs]] = ListenerOutputs
    identity: ClassVar[tuple[str, ...]] = ("LoadBalancerArn", "Port")
    calls_to_read: ClassVar[int] = 3
    batched_reads: ClassVar[tuple[BatchedRead, ...]] = (BATCHED_TAGS,)
    grants: ClassVar[tuple[Grant, ...]] = (
        Grant("read up down", ELB, "DescribeListeners DescribeRules DescribeTags"),
        Grant("up", ELB, "CreateListener", BALANCERS),
        Grant("up", ELB, "ModifyListener AddTags RemoveTags", LISTENERS),
        Grant("up down", ELB, "DeleteListener", LISTENERS),
    )

    def desired(self, deployed: Deployed) -> Properties:
        """Return the parameters of CreateListener."""
        return {
            "LoadBalancerArn": deployed[self.load_balancer].arn,
            "Port": self.port,
            "DefaultActions": [NOT_FOUND],
            **self._protocol(deployed),
        }

    def _protocol(self, deployed: Deployed) -> dict[str, Any]:
        if self.certificate is None:
            return {"Protocol": "HTTP"}
        certificates = [{"CertificateArn": deployed[self.certificate].arn}]
        return {
            "Protocol": "HTTPS",
            "Certificates": certificates,
            "SslPolicy": TLS_POLICY,
            CLIENT_CERTIFICATES: NO_CLIENT_CERTIFICATES,
        }

    @classmethod
    def read(
        cls, aws: Aws, recorded: ListenerOutputs | None, desired: Properties
    ) -> Actual[ListenerOutputs] | None:
        """Find the listener by its ARN, else by load balancer and port; None when there is none."""
        with ignore_missing():
            found = _listener(aws, recorded, desired)
            if found is None:
                return None
            arn = str(found["ListenerArn"])
            tags, others = concurrently(
                partial(read_tags, aws, arn), partial(rules_of_others, aws, arn)
            )
            require_owned(aws, f"listener on port {found['Port']}", tags)
            notes = tuple(others.tried_before_ours())
            return Actual(_listener_outputs(found), _listener_properties(found), tags, notes)
        return None

    def create(self, aws: Aws, desired: Properties) -> ListenerOutputs:
        """Make the listener."""
        parameters = {key: desired[key] for key in desired if key != CLIENT_CERTIFICATES}
        answer = aws.elbv2.create_listener(**parameters, Tags=tag_list(aws.tags))
        return _listener_outputs({**desired, **answer["Listeners"][0]})

    def update(
        self, aws: Aws, actual: Actual[ListenerOutputs], desired: Properties, changed: Properties
    ) -> ListenerOutputs:
        """Send it whole: protocol, certificate and policy are one.

        Client certificates are what others asked for, and not known in every region.
        """
        apart = {"LoadBalancerArn", CLIENT_CERTIFICATES} - changed.keys()
        parameters = {key: value for key, value in desired.items() if key not in apart}
        arn = actual.outputs.arn
        aws.elbv2.modify_listener(ListenerArn=arn, **parameters)
        return _listener_outputs({**parameters, "ListenerArn": arn})

    def loosened(self, actual: Properties, desired: Properties) -> Iterator[str]:
        """Say that requests are no longer encrypted, or with less, or callers no longer known."""
        if actual.get("Protocol") != "HTTPS":
            return
        if desired["Protocol"] == "HTTP":
            yield (
                "the load balancer no longer speaks HTTPS: requests and results cross the network "
                "unencrypted"
            )
        elif strength(desired["SslPolicy"]) < strength(str(actual.get("SslPolicy"))):
            yield (
                f"the load balancer takes weaker encryption: `{desired['SslPolicy']}` instead of "
                f"`{actual.get('SslPolicy')}`"
            )
        if actual[CLIENT_CERTIFICATES] != desired.get(CLIENT_CERTIFICATES, NO_CLIENT_CERTIFICATES):
            yield "the load balancer no longer asks callers for a certificate of theirs"

    @classmethod
    def running(cls, aws: Aws, recorded: ListenerOutputs) -> str | None:
        """Say how many rules of others go with it."""
        return rules_of_others(aws, recorded.arn).counted()

    @classmethod
    def delete(cls, aws: Aws, recorded: ListenerOutputs) -> None:
        """Delete the listener with the rules that are left in it."""
        with ignore_missing():
            aws.elbv2.delete_listener(ListenerArn=recorded.arn)


def strength(policy: str) -> tuple[int, int]:
    """Return how strict a TLS policy is: the lowest TLS 1.x that it takes, then its ciphers.

    From the policy's name ("Security policies for your Application Load Balancer"): the version
    stands before the date, and the ciphers go from Res (restricted) over none to Ext2.
    """
    version = re.search(r"(?:TLS13|TLS|FS)-1-(\d)", policy)
    breadth = next((rank for word, rank in _CIPHERS.items() if f"-{word}-" in policy), 0)
    return int(version[1]) if version else 0, breadth


# FS-1-2-Res and TLS13-1-2-Res have no CBC; Ext1 and Ext2 have more of it than the plain ones.
_CIPHERS = {"Res": 1, "Ext1": -1, "Ext2": -2}


def listener_of(aws: Aws, load_balancer_arn: str) -> ListenerOutputs | None:
    """Return the listener of ours that a load balancer has, on whatever port; None without one."""
    with ignore_missing():
        answer = aws.elbv2.describe_listeners(LoadBalancerArn=load_balancer_arn)
        for found in answer["Listeners"]:
            if is_owned(aws, read_tags(aws, str(found["ListenerArn"]))):
                return _listener_outputs(found)
    return None


def _listener_outputs(found: Mapping[str, Any]) -> ListenerOutputs:
    arn = str(found["ListenerArn"])
    return ListenerOutputs(
        id=arn, arn=arn, port=int(found["Port"]), scheme=str(found["Protocol"]).lower()
    )


def _listener(
    aws: Aws, recorded: ListenerOutputs | None, desired: Properties
) -> Mapping[str, Any] | None:
    if recorded:
        listeners = aws.elbv2.describe_listeners(ListenerArns=[recorded.arn])["Listeners"]
        return next(iter(listeners), None)
    answer = aws.elbv2.describe_listeners(LoadBalancerArn=desired["LoadBalancerArn"])
    return next((each for each in answer["Listeners"] if each["Port"] == desired["Port"]), None)


def _listener_properties(found: Mapping[str, Any]) -> Properties:
    """Return a listener without what AWS adds to its action and its certificate."""
    return {
        **found,
        "DefaultActions": [_members(each, NOT_FOUND) for each in found["DefaultActions"]],
        "Certificates": [
            _members(each, ("CertificateArn",)) for each in found.get("Certificates", [])
        ],
        CLIENT_CERTIFICATES: {
            **NO_CLIENT_CERTIFICATES,
            **_members(found.get(CLIENT_CERTIFICATES) or {}, ("Mode",)),
        },
    }


@dataclass(frozen=True, kw_only=True)
class Rule(Tagged, Resource[Outputs]):
    """Requests with one of the methods and one of the paths go to a target group; id is the ARN.

    In a path `*` stands for any characters, `/` among them. Other methods on these paths fall
    through to the listener's 404. The target comes first, so that no request meets an empty group.
    """

    listener: Listener
    priority: int
    methods: tuple[str, ...]
    paths: tuple[str, ...]
    target_group: TargetGroup
    target: Target

    kind: ClassVar[str] = "listener_rule"
    group: ClassVar[Group | None] = Group.FRONT_DOOR
    entry_point: ClassVar[bool] = True
    identity: ClassVar[tuple[str, ...]] = ("ListenerArn", "Priority")
    calls_to_read: ClassVar[int] = 2
    batched_reads: ClassVar[tuple[BatchedRead, ...]] = (BATCHED_TAGS,)
    grants: ClassVar[tuple[Grant, ...]] = (
        Grant("read up down", ELB, "DescribeRules DescribeTags"),
        Grant("up", ELB, "CreateRule", LISTENERS),
        Grant("up", ELB, "ModifyRule AddTags RemoveTags", RULES),
        Grant("up down", ELB, "DeleteRule", RULES),
    )

    def desired(self, deployed: Deployed) -> Properties:
        """Return the parameters of CreateRule."""
        group = deployed[self.target_group].arn
        return {
            "ListenerArn": deployed[self.listener].arn,
            "Priority": self.priority,
            "Conditions": [
                {
                    "Field": "http-request-method",
                    "HttpRequestMethodConfig": {"Values": sorted(self.methods)},
                },
                {"Field": "path-pattern", "PathPatternConfig": {"Values": sorted(self.paths)}},
            ],
            "Actions": [{"Type": "forward", "TargetGroupArn": group}],
            # Functions get the path that was asked for.
            "Transforms": [],
        }

    @classmethod
    def read(
        cls, aws: Aws, recorded: Outputs | None, desired: Properties
    ) -> Actual[Outputs] | None:
        """Find the rule by its ARN, else by listener and priority; None when there is none."""
        with ignore_missing():
            found = _rule(aws, recorded, desired)
            if found is None:
                return None
            arn = str(found["RuleArn"])
            tags = read_tags(aws, arn)
            require_owned(aws, f"listener rule with priority {found['Priority']}", tags)
            return Actual(Outputs(id=arn, arn=arn), _rule_properties(found), tags)
        return None

    def create(self, aws: Aws, desired: Properties) -> Outputs:
        """Make the rule."""
        parameters = {key: desired[key] for key in desired if key != "Transforms"}
        answer = aws.elbv2.create_rule(**parameters, Tags=tag_list(aws.tags))
        arn = answer["Rules"][0]["RuleArn"]
        return Outputs(id=arn, arn=arn)

    def update(
        self, aws: Aws, actual: Actual[Outputs], desired: Properties, changed: Properties
    ) -> Outputs:
        """Change what differs."""
        del desired
        parameters: dict[str, Any] = {key: changed[key] for key in changed if key != "Transforms"}
        if "Transforms" in changed:
            parameters["ResetTransforms"] = True
        aws.elbv2.modify_rule(RuleArn=actual.outputs.arn, **parameters)
        return actual.outputs

    @classmethod
    def delete(cls, aws: Aws, recorded: Outputs) -> None:
        """Delete the rule."""
        with ignore_missing():
            aws.elbv2.delete_rule(RuleArn=recorded.arn)


def _rule(aws: Aws, recorded: Outputs | None, desired: Properties) -> Mapping[str, Any] | None:
    """Return the rule from all of its listener, which every rule and the listener itself want."""
    if recorded:
        rules = rules_of_listener(aws, _listener_of(recorded.arn))
        return next((each for each in rules if each["RuleArn"] == recorded.arn), None)
    rules = rules_of_listener(aws, str(desired["ListenerArn"]))
    return next((each for each in rules if each["Priority"] == str(desired["Priority"])), None)


def _listener_of(rule_arn: str) -> str:
    """Return the ARN of a rule's listener: the rule's has `-rule` in it and an id at the end.

    Service Authorization Reference, Elastic Load Balancing V2.
    """
    return rule_arn.replace(":listener-rule/", ":listener/").rpartition("/")[0]


def _rule_properties(found: Mapping[str, Any]) -> Properties:
    """Return a rule in the spelling of CreateRule, without what AWS says twice."""
    return {
        "ListenerArn": _listener_of(found["RuleArn"]),
        "Priority": int(found["Priority"]),
        "Conditions": sorted(map(_condition, found["Conditions"]), key=lambda each: each["Field"]),
        "Actions": [_members(each, ("Type", "TargetGroupArn")) for each in found["Actions"]],
        "Transforms": found.get("Transforms", []),
    }


def _condition(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return a condition with its values in order, which AWS also gives in a form of the past."""
    member = {
        "http-request-method": "HttpRequestMethodConfig",
        "path-pattern": "PathPatternConfig",
    }.get(found["Field"])
    if member is None:
        return dict(found)
    values = found.get(member, {}).get("Values") or found.get("Values", [])
    return {"Field": found["Field"], member: {"Values": sorted(values)}}


def _members(found: Mapping[str, Any], wanted: Mapping[str, Any] | Sequence[str]) -> dict[str, Any]:
    return {key: found[key] for key in wanted if key in found}
