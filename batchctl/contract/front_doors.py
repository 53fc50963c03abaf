"""The kinds of front door, `api.mode` in config.yaml: what each admits, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Mode = Literal["alb", "restapi"]
Auth = Literal["none", "iam"]
AUTHS: tuple[Auth, ...] = ("none", "iam")


@dataclass(frozen=True)
class FrontDoorKind:
    """A kind of front door.

    `auths` are the ways of authentication among which it lets choose, the strictest last;
    `services` those of AWS that it takes, as boto3 names them. One `in_vpc` stands in public
    subnets behind a security group: it lets in the networks of `api.allowed_cidrs`, has HTTPS with
    `api.certificate_arn`, and logs to `api.access_log_bucket`. Any other is an endpoint of AWS's
    own: for all networks, over HTTPS.
    """

    mode: Mode
    product: str
    auths: tuple[Auth, ...]
    services: tuple[str, ...]
    in_vpc: bool
    needs_filing_in_china: bool = False


ALB = FrontDoorKind("alb", "a load balancer", ("none",), ("elbv2",), in_vpc=True)
REST_API = FrontDoorKind(
    "restapi",
    "API Gateway",
    AUTHS,
    ("apigateway",),
    in_vpc=False,
    # Getting Started with Amazon Web Services in China, "Amazon API Gateway": it answers unsigned
    # requests only for accounts with an ICP filing.
    needs_filing_in_china=True,
)
FRONT_DOORS: Mapping[str, FrontDoorKind] = {each.mode: each for each in (ALB, REST_API)}
SIGNED = REST_API
"""The kind to recommend to whoever wants to let in signed requests alone."""
