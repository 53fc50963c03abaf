"""The load balancer itself, which takes two to three minutes to start."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from batchctl.aws.batched_reads import BatchedRead
from batchctl.aws.concurrently import concurrently
from batchctl.aws.errors import code_of, ignore_missing, message_of
from batchctl.aws.session import Aws
from batchctl.aws.tags import as_dict
from batchctl.aws.waiting import Pending
from batchctl.errors import BatchctlError
from batchctl.resource import Actual, Deployed, Group, Outputs, Properties, Resource, require_owned
from batchctl.resource.charges import Charge, Unit
from batchctl.resource.grants import Grant
from batchctl.resources.ec2.network import Network
from batchctl.resources.ec2.security_groups import SecurityGroup, groups_taken_off
from batchctl.resources.elbv2.tags import (
    BATCHED_TAGS,
    ELB,
    Tagged,
    read_tags,
    tag_list,
)

# boto3's own waiter gives a load balancer 10 minutes.
SETTLED_WITHIN_S = 600.0
# What CreateLoadBalancer doesn't take: its subnets say the VPC, the attributes have their own call.
NOT_PARAMETERS = frozenset({"VpcId", "Attributes", "State"})

PROTECTION = "deletion_protection.enabled"
DESYNC = "routing.http.desync_mitigation_mode"
LOGS = "access_logs.s3."


BALANCERS = ("loadbalancer/app/{stack}-*",)
SERVICE = "elasticloadbalancing.amazonaws.com"


@dataclass(frozen=True)
class AccessLogs:
    """The bucket to which a load balancer writes its access log, and where in it.

    The bucket's own policy must let Elastic Load Balancing write there (Elastic Load Balancing
    guide, "Enable access logs for your Application Load Balancer").
    """

    bucket: str
    prefix: str = ""


@dataclass(frozen=True)
class LoadBalancerOutputs(Outputs):
    """The id is the name; `dns_name` is the host that clients call."""

    dns_name: str


@dataclass(frozen=True, kw_only=True)
class LoadBalancer(Tagged, Resource[LoadBalancerOutputs]):
    """An Application Load Balancer on the internet; its name has 32 characters at most.

    It is made while everything else is, and so `create` can wait until it is active: the listener
    and its rules, which wait for it, take a second.

    Requests that parsers could understand differently are refused where they are dangerous: more
    (`strictest`) would refuse harmless clients for nothing, as no connection leads on from here to
    a function (Elastic Load Balancing guide, "Desync mitigation mode").
    """

    network: Network
    security_group: SecurityGroup
    access_logs: AccessLogs | None = None

    kind: ClassVar[str] = "load_balancer"
    group: ClassVar[Group | None] = Group.FRONT_DOOR
    # Elastic Load Balancing pricing.
    cost: ClassVar[str] = "is billed by the hour, used or not"
    charges: ClassVar[tuple[Charge, ...]] = (
        Charge(Unit.LOAD_BALANCER_HOUR, "load balancer"),
        # One in each zone (Amazon VPC pricing, "Public IPv4 addresses").
        Charge(Unit.PUBLIC_ADDRESS_HOUR, "its public addresses", each="load_balancer_subnet_ids"),
    )
    outputs: ClassVar[type[LoadBalancerOutputs]] = LoadBalancerOutputs
    identity: ClassVar[tuple[str, ...]] = ("Name",)
    vital: ClassVar[tuple[str, ...]] = ("State",)
    calls_to_read: ClassVar[int] = 3
    # It can't leave its VPC, and one that could not be set up is "failed" for good.
    immutable: ClassVar[tuple[str, ...]] = ("Type", "Scheme", "VpcId", "State")
    batched_reads: ClassVar[tuple[BatchedRead, ...]] = (BATCHED_TAGS,)
    grants: ClassVar[tuple[Grant, ...]] = (
        Grant(
            "read up down", ELB, "DescribeLoadBalancers DescribeLoadBalancerAttributes DescribeTags"
        ),
        Grant("up", ELB, "CreateLoadBalancer AddTags RemoveTags", BALANCERS),
        Grant("up", ELB, "SetIpAddressType SetSecurityGroups SetSubnets", BALANCERS),
        Grant("up down", ELB, "ModifyLoadBalancerAttributes DeleteLoadBalancer", BALANCERS),
        # Elastic Load Balancing user guide, "Elastic Load Balancing API permissions"; the role is
        # made with the account's first load balancer.
        Grant(
            "up",
            "ec2",
            "DescribeAccountAttributes DescribeAddresses DescribeInternetGateways "
            "DescribeSecurityGroups DescribeSubnets DescribeVpcs",
        ),
        Grant(
            "up",
            "iam",
            "CreateServiceLinkedRole",
            (f"role/aws-service-role/{SERVICE}/AWSServiceRoleForElasticLoadBalancing",),
            {"StringEquals": {"iam:AWSServiceName": (SERVICE,)}},
        ),
    )

    def desired(self, deployed: Deployed) -> Properties:
        """Return the parameters of CreateLoadBalancer, its attributes and its state."""
        return {
            "Name": self.physical_name,
            "Type": "application",
            "Scheme": "internet-facing",
            "IpAddressType": "ipv4",
            "VpcId": deployed[self.network].id,
            "Subnets": sorted(deployed[self.network].load_balancer_subnet_ids),
            "SecurityGroups": [deployed[self.security_group].id],
            "Attributes": {
                PROTECTION: "false",
                "routing.http.drop_invalid_header_fields.enabled": "true",
                DESYNC: "defensive",
                **self._access_logs(),
            },
            "State": "active",
        }

    def _access_logs(self) -> dict[str, str]:
        if self.access_logs is None:
            return {f"{LOGS}enabled": "false"}
        return {
            f"{LOGS}enabled": "true",
            f"{LOGS}bucket": self.access_logs.bucket,
            f"{LOGS}prefix": self.access_logs.prefix,
        }

    @classmethod
    def read(
        cls, aws: Aws, recorded: LoadBalancerOutputs | None, desired: Properties
    ) -> Actual[LoadBalancerOutputs] | None:
        """Find the load balancer by its ARN, else by name, once it has started."""
        wanted = {"LoadBalancerArns": [recorded.arn]} if recorded else {"Names": [desired["Name"]]}
        with ignore_missing():
            found = _wait_until_started(aws, wanted)
            if found is None:
                return None
            arn = found["LoadBalancerArn"]
            tags, attributes = concurrently(
                partial(read_tags, aws, arn), partial(_attributes, aws, arn)
            )
            require_owned(aws, f"load balancer `{found['LoadBalancerName']}`", tags)
            return Actual(_outputs(found), _properties(found, attributes), tags)
        return None

    def create(self, aws: Aws, desired: Properties) -> LoadBalancerOutputs:
        """Make the load balancer and wait until it is active, two to three minutes."""
        parameters = {key: desired[key] for key in desired if key not in NOT_PARAMETERS}
        answer = aws.elbv2.create_load_balancer(**parameters, Tags=tag_list(aws.tags))
        made = answer["LoadBalancers"][0]
        outputs = _outputs(made)
        if _state(made) != "active":
            _wait_until_active(aws, outputs)
        _set_attributes(aws, outputs, desired["Attributes"])
        return outputs

    def update(
        self,
        aws: Aws,
        actual: Actual[LoadBalancerOutputs],
        desired: Properties,
        changed: Properties,
    ) -> LoadBalancerOutputs:
        """Change what differs, each by its own call."""
        del desired
        arn = actual.outputs.arn
        if "IpAddressType" in changed:
            aws.elbv2.set_ip_address_type(
                LoadBalancerArn=arn, IpAddressType=changed["IpAddressType"]
            )
        if "SecurityGroups" in changed:
            aws.elbv2.set_security_groups(
                LoadBalancerArn=arn, SecurityGroups=changed["SecurityGroups"]
            )
        if "Subnets" in changed:
            aws.elbv2.set_subnets(LoadBalancerArn=arn, Subnets=changed["Subnets"])
        if "Attributes" in changed:
            _set_attributes(aws, actual.outputs, changed["Attributes"])
        return actual.outputs

    def loosened(self, actual: Properties, desired: Properties) -> Iterator[str]:
        """Say what no longer holds: internal, protected, strict, logged, in others' groups."""
        had, wanted = actual["Attributes"], desired["Attributes"]
        if actual.get("Scheme") == "internal" and desired["Scheme"] != "internal":
            yield "the load balancer, which today is reached from inside alone, faces the internet"
        if had.get(PROTECTION) == "true" and wanted[PROTECTION] != "true":
            yield "the load balancer loses its protection from deletion"
        if had.get(DESYNC) == "strictest" and wanted[DESYNC] != "strictest":
            yield "the load balancer takes ambiguous requests, which today it refuses (`strictest`)"
        yield from groups_taken_off(
            "the load balancer", actual["SecurityGroups"], desired["SecurityGroups"]
        )
        yield from self._logs_loosened(had, wanted)

    def _logs_loosened(self, had: Mapping[str, str], wanted: Mapping[str, str]) -> Iterator[str]:
        """Say that requests are no longer logged, or elsewhere."""
        bucket = had.get(f"{LOGS}bucket")
        if had.get(f"{LOGS}enabled") != "true":
            return
        if wanted[f"{LOGS}enabled"] != "true":
            yield f"the load balancer's requests are no longer logged to bucket `{bucket}`"
        elif wanted[f"{LOGS}bucket"] != bucket:
            new = wanted[f"{LOGS}bucket"]
            yield f"the load balancer's requests are logged to bucket `{new}`, not `{bucket}`"

    @classmethod
    def replicas(
        cls, aws: Aws, names: Collection[str]
    ) -> Iterator[tuple[str, LoadBalancerOutputs]]:
        """Yield what has a name that begins with one of `names`."""
        del names
        pages = aws.elbv2.get_paginator("describe_load_balancers").paginate()
        for found in (each for page in pages for each in page["LoadBalancers"]):
            yield found["LoadBalancerName"], _outputs(found)

    @classmethod
    def delete(cls, aws: Aws, recorded: LoadBalancerOutputs) -> None:
        """Delete the load balancer; its network interfaces outlive it in its security group."""
        with ignore_missing():
            _delete_unprotected(aws, recorded)
        _wait_until_gone(aws, recorded)


def _delete_unprotected(aws: Aws, recorded: LoadBalancerOutputs) -> None:
    """Delete it; BatchctlError when somebody protected it, which is theirs to lift."""
    try:
        aws.elbv2.delete_load_balancer(LoadBalancerArn=recorded.arn)
    except ClientError as error:
        if code_of(error) != "OperationNotPermitted" or "protection" not in message_of(error):
            raise
        raise BatchctlError(
            f"could not delete load balancer `{recorded.id}`: somebody else protected it from "
            "deletion, as batchctl never does",
            hint="CloudTrail has who did (ModifyLoadBalancerAttributes); when it may go: `aws "
            f"elbv2 modify-load-balancer-attributes --load-balancer-arn {recorded.arn} "
            "--attributes Key=deletion_protection.enabled,Value=false`, then run the command again",
        ) from error


def _describe(aws: Aws, wanted: Any) -> Mapping[str, Any] | None:
    with ignore_missing():
        found: list[Any] = list(aws.elbv2.describe_load_balancers(**wanted)["LoadBalancers"])
        return next(iter(found), None)
    return None


def _wait_until_started(aws: Aws, wanted: Any) -> Mapping[str, Any] | None:
    """Return the load balancer once it isn't starting any more; None when there is none."""

    def check() -> tuple[Mapping[str, Any] | None] | Pending:
        found = _describe(aws, wanted)
        if found and found["State"]["Code"] == "provisioning":
            return Pending("provisioning")
        return (found,)

    what = "the load balancer to start (two to three minutes)"
    return aws.wait_until(what, check, timeout_s=SETTLED_WITHIN_S)[0]


def _wait_until_active(aws: Aws, outputs: LoadBalancerOutputs) -> None:
    """Wait until it is active, through a "failed" in between, as Terraform's provider does."""

    def check() -> bool | Pending | None:
        found = _describe(aws, {"LoadBalancerArns": [outputs.arn]})
        if found is None:
            return None
        return True if _state(found) == "active" else Pending(_state(found))

    what = f"load balancer `{outputs.id}` to start (two to three minutes)"
    aws.wait_until(what, check, timeout_s=SETTLED_WITHIN_S)


def _wait_until_gone(aws: Aws, outputs: LoadBalancerOutputs) -> None:
    def check() -> bool | Pending:
        found = _describe(aws, {"LoadBalancerArns": [outputs.arn]})
        return True if found is None else Pending(_state(found))

    what = f"AWS to delete load balancer `{outputs.id}`"
    aws.wait_until(what, check, timeout_s=SETTLED_WITHIN_S)


def _state(found: Mapping[str, Any]) -> str:
    """Return the state; an impaired one is active, in fewer zones."""
    return str(found["State"]["Code"]).removesuffix("_impaired")


def _outputs(found: Mapping[str, Any]) -> LoadBalancerOutputs:
    return LoadBalancerOutputs(
        id=found["LoadBalancerName"], arn=found["LoadBalancerArn"], dns_name=found["DNSName"]
    )


def _properties(found: Mapping[str, Any], attributes: Mapping[str, str]) -> Properties:
    return {
        **found,
        "Name": found["LoadBalancerName"],
        "Subnets": sorted(zone["SubnetId"] for zone in found["AvailabilityZones"]),
        "SecurityGroups": sorted(found.get("SecurityGroups", [])),
        "Attributes": attributes,
        "State": _state(found),
    }


def _attributes(aws: Aws, arn: str) -> dict[str, str]:
    answer = aws.elbv2.describe_load_balancer_attributes(LoadBalancerArn=arn)
    return as_dict(answer["Attributes"])


def _set_attributes(aws: Aws, outputs: Outputs, attributes: Mapping[str, str]) -> None:
    aws.elbv2.modify_load_balancer_attributes(
        LoadBalancerArn=outputs.arn, Attributes=tag_list(attributes)
    )
