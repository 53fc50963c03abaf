"""One stack's view of one AWS account and region: its tags, and typed clients made on first use."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import boto3
from botocore.config import Config as BotocoreConfig

from batchctl.aws.answers import check_answers, whole_answers
from batchctl.aws.batched_reads import BatchedRead, Reads
from batchctl.aws.calls import log_calls, numbered_try
from batchctl.aws.clock import Clock
from batchctl.aws.creations import Creations
from batchctl.aws.login import Login
from batchctl.aws.partitions import Partition, partition_of
from batchctl.aws.retries import Retrier
from batchctl.aws.service_models import ServiceModels
from batchctl.aws.tags import STACK_TAG, mark_of
from batchctl.aws.waiting import Pending, Poller
from batchctl.errors import UsageError

if TYPE_CHECKING:
    from botocore.client import BaseClient
    from mypy_boto3_apigateway import APIGatewayClient
    from mypy_boto3_batch import BatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sts import STSClient
    from mypy_boto3_wafv2 import WAFV2Client

Found = TypeVar("Found")
CONNECTIONS = 50


@dataclass(frozen=True)
class Connection:
    """What every view of the account shares: the session and the clients, which are thread-safe."""

    session: boto3.Session
    endpoint_url: str | None = None
    through_proxy: bool = True
    models: ServiceModels | None = None
    clients: dict[str, BaseClient] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Follow the calls of every client to be made, those that fetch credentials included."""
        log_calls(self.session)
        check_answers(self.session)
        self.login.watch()
        if self.models:
            self.models.use_in(self.session)

    @cached_property
    def login(self) -> Login:
        """What finds the credentials of the session."""
        return Login(self.session)

    def client(self, service: str, region: str | None = None) -> BaseClient:
        """Return a service's client, made once (making one is not thread-safe, using it is).

        `region` is for a service that is elsewhere than the session. LoggedOut when the
        credentials can't be had.
        """
        with self.lock:
            if service not in self.clients:
                self.login.begin()
                self.clients[service] = self.session.client(
                    service,  # type: ignore[call-overload]
                    region_name=region,
                    endpoint_url=self.endpoint_url,
                    config=BotocoreConfig(
                        retries={"total_max_attempts": 1, "mode": "standard"},
                        connect_timeout=5,
                        read_timeout=60,
                        max_pool_connections=CONNECTIONS,
                        user_agent_extra="batchctl",
                        # An empty mapping keeps botocore from using the environment's proxy.
                        proxies=None if self.through_proxy else {},
                    ),
                )
                if self.models:
                    self.models.keep(self.session, service)
            return self.clients[service]


class Pages(Protocol):
    """A paginator of botocore's."""

    def paginate(self, **parameters: object) -> Iterable[Mapping[str, Any]]:
        """Yield the pages."""
        ...


class ServiceQuotas(Protocol):
    """What is used of the client of Service Quotas."""

    def get_paginator(self, operation: str, /) -> Pages:
        """Return a paginator."""
        ...


class PriceList(Protocol):
    """What is used of the client of AWS Price List."""

    def get_products(self, **parameters: object) -> Mapping[str, Any]:
        """Return products with their prices."""
        ...


class Aws:
    """The account as one stack sees it.

    `endpoint_url` (the local cloud) is for all services; without it boto3's own rules apply, so
    that AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_<SERVICE> work. `on_wait` is called with what a call
    waits for. `reads` are those that share calls, `creations` what this run has made.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        stack: str,
        tags: Mapping[str, str],
        clock: Clock | None = None,
        on_wait: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Make no call: clients and identity are created on first use."""
        self.connection = connection
        self.stack = stack
        self.user_tags = dict(tags)
        # Who made the stack, as in its mark; None: not known, and then it may be anyone.
        self.origin: str | None = None
        self.clock = clock or Clock()
        self.on_wait = on_wait
        self.creations = Creations()
        self.caller: str | None = None
        """The ARN of whose the credentials are, once AWS was asked for the account."""
        self._identity: Future[str] | None = None
        self.reads = Reads({})

    def reporting_to(self, on_wait: Callable[[str], None]) -> Aws:
        """Return the same account, which reports what it waits for to `on_wait`."""
        return self._view(on_wait, self.reads)

    def with_batched_reads(
        self, known: Mapping[BatchedRead, Iterable[str]], *, tags_alone: bool = False
    ) -> Aws:
        """Return the same account for one plan's reads, which share calls for the `known` names.

        With `tags_alone` nothing is read but tags, and nobody polls.
        """
        return self._view(self.on_wait, Reads(known, tags_alone=tags_alone))

    def _view(self, on_wait: Callable[[str], None], reads: Reads) -> Aws:
        view = Aws(
            self.connection,
            stack=self.stack,
            tags=self.user_tags,
            clock=self.clock,
            on_wait=on_wait,
        )
        view.creations, view.reads, view.caller = self.creations, reads, self.caller
        view.origin = self.origin
        if "account" in self.__dict__:
            view.__dict__["account"] = self.account
        return view

    @property
    def tags(self) -> dict[str, str]:
        """The tags that everything of the stack carries: its mark and the user's."""
        return {**self.user_tags, **mark_of(self.stack, self.region, self.origin)}

    @property
    def instance_tags(self) -> dict[str, str]:
        """The tags of instances and their volumes, for the bill.

        AWS replaces running instances when one of them changes, so the rest of the mark, which is
        for finding things, is left out.
        """
        return {**self.user_tags, STACK_TAG: self.stack}

    @cached_property
    def region(self) -> str:
        """The region; UsageError when none is set anywhere."""
        region = self.connection.session.region_name
        if not region:
            raise UsageError(
                "no AWS region is set",
                hint="set `region` in config.yaml, pass `--region` or set AWS_REGION",
            )
        return region

    @cached_property
    def partition(self) -> Partition:
        """The partition of the region."""
        return partition_of(self.region)

    @cached_property
    def account(self) -> str:
        """The account id of the credentials in use (STS GetCallerIdentity needs no permission)."""
        return self._ask_for_account()

    def presume_account(self, account: str) -> None:
        """Go by this account for reads, while STS is asked whose the credentials are.

        Ended by `confirm_account`; nothing may be changed before that.
        """
        pool = ThreadPoolExecutor(1, thread_name_prefix="batchctl-account")
        self._identity = pool.submit(copy_context().run, self._ask_for_account)
        pool.shutdown(wait=False)
        self.__dict__["account"] = account

    def confirm_account(self) -> bool:
        """Return whether the account that was presumed is that of the credentials.

        From now on `account` is, in this view. Raises what asking STS raises.
        """
        presumed, identity = self.account, self._identity
        if identity is None:
            return True
        self._identity = None
        del self.__dict__["account"]
        self.__dict__["account"] = identity.result()
        return presumed == self.account

    def _ask_for_account(self) -> str:
        identity = self.sts.get_caller_identity()
        self.caller = str(identity["Arn"])
        return identity["Account"]

    def arn(self, service: str, resource: str, *, is_global: bool = False) -> str:
        """Return an ARN of this account; of a global service (IAM) without the region."""
        region = "" if is_global else self.region
        return f"arn:{self.partition.id}:{service}:{region}:{self.account}:{resource}"

    def wait_until(
        self, what: str, check: Callable[[], Found | Pending | None], *, timeout_s: float
    ) -> Found:
        """Poll `check` until it returns neither None nor Pending; NotReady after `timeout_s`.

        Pending has what AWS shows instead, for progress messages.
        """
        return Poller(self.clock, self.on_wait).until(what, check, timeout_s=timeout_s)

    @property
    def is_local(self) -> bool:
        """Whether it is the local cloud, which has nothing but what we make."""
        return self.connection.endpoint_url is not None

    @cached_property
    def acm(self) -> Any:
        """ACM: the user's certificate."""
        return self._client("acm")

    @cached_property
    def apigateway(self) -> APIGatewayClient:
        """API Gateway: REST APIs."""
        client: APIGatewayClient = self._client("apigateway")
        return client

    @cached_property
    def batch(self) -> BatchClient:
        """AWS Batch."""
        client: BatchClient = self._client("batch")
        return client

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        """DynamoDB."""
        client: DynamoDBClient = self._client("dynamodb")
        return client

    @cached_property
    def ec2(self) -> EC2Client:
        """EC2: VPCs, subnets, security groups."""
        client: EC2Client = self._client("ec2")
        return client

    @cached_property
    def ecr(self) -> ECRClient:
        """ECR: the compute image."""
        client: ECRClient = self._client("ecr")
        return client

    @cached_property
    def elbv2(self) -> ElasticLoadBalancingv2Client:
        """Elastic Load Balancing: the ALB."""
        client: ElasticLoadBalancingv2Client = self._client("elbv2")
        return client

    @cached_property
    def events(self) -> EventBridgeClient:
        """EventBridge: rules and their targets."""
        client: EventBridgeClient = self._client("events")
        return client

    @cached_property
    def iam(self) -> IAMClient:
        """IAM."""
        client: IAMClient = self._client("iam")
        return client

    @cached_property
    def awslambda(self) -> LambdaClient:
        """Lambda (whose name is a keyword)."""
        client: LambdaClient = self._client("lambda")
        return client

    @cached_property
    def logs(self) -> CloudWatchLogsClient:
        """CloudWatch Logs."""
        client: CloudWatchLogsClient = self._client("logs")
        return client

    @cached_property
    def s3(self) -> Any:
        """S3: a state that is shared."""
        return self._client("s3")

    @cached_property
    def service_quotas(self) -> ServiceQuotas:
        """Service Quotas: what the account may have of a service."""
        client: ServiceQuotas = self._client("service-quotas")
        return client

    @cached_property
    def pricing(self) -> PriceList:
        """AWS Price List; one endpoint answers for every region of the partition `aws`.

        UsageError in other partitions, which have none.
        """
        if self.partition.id != "aws":
            raise UsageError(
                f"could not ask for prices: AWS's price list doesn't know {self.region}",
                hint="see the prices of that partition on its own pages",
            )
        client: PriceList = self._client("pricing", region="us-east-1")
        return client

    @cached_property
    def sqs(self) -> SQSClient:
        """SQS."""
        client: SQSClient = self._client("sqs")
        return client

    @cached_property
    def sts(self) -> STSClient:
        """STS."""
        client: STSClient = self._client("sts")
        return client

    @cached_property
    def wafv2(self) -> WAFV2Client:
        """AWS WAF: the web ACL in front of the API."""
        client: WAFV2Client = self._client("wafv2")
        return client

    def _client(self, service: str, region: str | None = None) -> Any:
        retrier = Retrier(self.clock, self.on_wait, creations=self.creations)
        return _Retrying(self.connection.client(service, region), retrier, self.reads)


class _Retrying:
    """A client whose operations, including those of paginators, go through the retry table."""

    def __init__(self, client: BaseClient, retrier: Retrier, reads: Reads) -> None:
        self._client = client
        self._retrier = retrier
        self._reads = reads

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._client, name)
        operation = self._client.meta.method_to_api_mapping.get(name)
        if operation is None:
            return attribute
        service = self._client.meta.service_model.endpoint_prefix
        address = f"{service}.{operation}"

        def ask(**parameters: Any) -> dict[str, Any]:
            numbers = itertools.count(1)

            def once() -> Any:
                with numbered_try(next(numbers)), whole_answers():
                    return attribute(**parameters)

            return self._retrier.call(address, once, parameters)

        return lambda **parameters: self._reads.call(address, ask, parameters)

    def get_paginator(self, name: str) -> Any:
        """Return botocore's paginator over the retried operation."""
        paginator = self._client.get_paginator(name)
        vars(paginator)["_method"] = getattr(self, name)
        return paginator
