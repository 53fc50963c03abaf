"""How the API is exposed, and who can call it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from batchctl.config.sections.section import Section
from batchctl.config.values import (
    BucketName,
    CertificateArn,
    Endpoint,
    LogPrefix,
    LogRetentionDays,
    Networks,
    Port,
    WebAclArn,
)
from batchctl.contract.front_doors import ALB, Auth, Mode


class Api(Section):
    """How the API is exposed, and who can call it."""

    mode: Mode = ALB.mode
    """`alb`: load balancer; `restapi`: API Gateway over HTTPS.

    `up --api-mode` overrides it.
    """
    auth: Auth = "none"
    """`none`: no authentication; `iam`: signed requests only.

    `iam` needs `api.mode: restapi`, as a load balancer can't check IAM signatures. `up --auth`
    overrides it.
    """
    assume_execute_role: bool = False
    """Sign job commands as the API's execute role (`iam`).

    With `api.auth: iam`, `submit`, `show` and the other job commands assume the API's execute
    role instead of signing as the caller, who needs permission to assume it.
    `--assume-api-role` does it for one command.
    """
    port: Port = 9999
    """Port of the load balancer and of the local API.

    With `--local` the API listens on 127.0.0.1. In China, ports 80, 443 and 8080 need an ICP
    filing.
    """
    endpoint: Endpoint | None = None
    """URL that job commands call; null: the deployed one.

    For a custom domain or a proxy: a certificate is for the company's host name, not for the load
    balancer's, e.g. `https://batch.example.com:9999`. Not with `--local`.
    """
    allowed_cidrs: Networks = ("0.0.0.0/0",)
    """Networks that can reach the load balancer.

    IPv4 or IPv6; the default is everyone. `restapi` accepts the default only, as API Gateway
    has no security group.
    """
    certificate_arn: CertificateArn | None = None
    """ACM or IAM certificate for HTTPS; null: plain HTTP.

    Of the load balancer: API Gateway always uses HTTPS.
    """
    web_acl_arn: WebAclArn | None = None
    """Regional AWS WAF web ACL for the API; null: none.

    It is associated with the load balancer or the stage of the API. See [What a stranger can
    cost](#what-a-stranger-can-cost).
    """
    access_log_bucket: BucketName | None = None
    """S3 bucket for the load balancer's access log; null: no log.

    It must be in the same region and have a policy that lets Elastic Load Balancing write to
    it. `alb` only: API Gateway logs to CloudWatch Logs.
    """
    access_log_prefix: LogPrefix = ""
    """Prefix of the access log's object keys.

    Without `AWSLogs` in it, and without a slash at either end.
    """
    requests_per_second: Annotated[int, Field(ge=1, le=10_000)] = 500
    """API Gateway's rate limit for all callers.

    Requests above it are answered with 429. `restapi` only.
    """
    burst_requests: Annotated[int, Field(ge=1, le=5_000)] = 1000
    """API Gateway's burst limit for all callers.

    `restapi` only.
    """
    log_retention_days: LogRetentionDays = 7
    """Days to keep API Gateway's logs (`restapi`).

    That is its access log and its error log.
    """
