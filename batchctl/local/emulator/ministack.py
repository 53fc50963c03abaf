"""The emulator behind the local cloud: MiniStack, set up, with our Batch in place of its stub.

Only this file, `hardening`, `authorized_calls` and those named here know MiniStack's insides; they
are the reason why one version of it is pinned (`environment/requirements.in`). What is needed of
them here:

- `app.SERVICE_HANDLERS`, to serve Batch;
- `iam_actions.extract_resource_arn`, which says `*` for every Batch call, so that a policy that
  names a job queue would refuse everything;
- `iam_evaluator.enforce`, for a call's further resources;
- `tagging.resource_tags`, which knows no tags of Batch's resources, and
  `iam_actions.dynamodb_service_context`, which leaves attributes out that a call names: policies
  have conditions on both;
- `iam_evaluator.evaluate_trust_policy`: where our Batch assumes a job's role, it is ECS that does;
- the ALB's data plane, called directly: through the gateway, `GET /health` of a user's own API
  would be answered by MiniStack's health check;
- `app.pin_request_origin`, which says how a call came in;
- which REST API's method a request calls, for the checks of `execute_api`;
- the secrets of users and sessions, for `verifier`; which access key MiniStack reads in a request,
  and in which form a service refuses one;
- FilterLogEvents and the parsing of DynamoDB's expressions (`log_pages`, `parsed_expressions`);
- UpdateFunctionConfiguration, which leaves processes running with the credentials of a former role;
- tags of REST APIs and stages, which GetRestApi and GetStage show as they were at the creation.
"""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from batchctl.local.batch.api.endpoint import Answer, Endpoint
from batchctl.local.emulator import authorized_calls, log_pages, parsed_expressions
from batchctl.local.emulator.dynamodb_conditions import condition_keys
from batchctl.local.front.execute_api import Method
from batchctl.local.front.sigv4 import Call, SignatureError
from batchctl.local.front.verifier import Credential, unknown_key

HOST = "127.0.0.1"

_API_CODES = {
    "UnsupportedSignature": "IncompleteSignature",
    "RequestExpired": "RequestTimeTooSkewed",
}
"""What API MiniStack answers as another fault than other services do."""


@dataclass(frozen=True)
class EmulatorConfig:
    """Where the emulator keeps its files, and where it answers."""

    directory: Path
    port: int
    region: str


@dataclass(frozen=True)
class WebRequest:
    """A request that a load balancer forwards: decoded path and query, headers in lower case."""

    method: str
    path: str
    raw_path: str
    query_string: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes
    client_ip: str


def configure(config: EmulatorConfig) -> None:
    """Set MiniStack's environment variables; it reads them once, when it is imported."""
    os.environ.update(
        {
            "BIND_HOST": HOST,
            "GATEWAY_PORT": str(config.port),
            "MINISTACK_REGION": config.region,
            "AUTH": "true",
            "MINISTACK_AUTOCREATE_AWS_MANAGED": "1",
            "LAMBDA_EXECUTOR": "local",
            "PERSIST_STATE": "0",
            "S3_PERSIST": "0",
            "STATE_DIR": str(config.directory / "state"),
            "S3_DATA_DIR": str(config.directory / "s3"),
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            # No container engine: nothing that batchctl builds needs one of MiniStack's.
            "DOCKER_HOST": f"unix://{config.directory / 'no-docker.sock'}",
            "LOG_LEVEL": os.environ.get("BATCHCTL_LOCAL_LOG_LEVEL", "WARNING"),
        }
    )


class MiniStack:
    """MiniStack, imported and ready to be served."""

    def __init__(self) -> None:
        """Import MiniStack, which was configured before."""
        self._app = import_module("ministack.app")
        self._actions = import_module("ministack.core.iam_actions")
        self._evaluator = import_module("ministack.core.iam_evaluator")
        self._responses = import_module("ministack.core.responses")
        self._router = import_module("ministack.core.router")
        self._alb = import_module("ministack.services.alb")
        self._functions = import_module("ministack.core.lambda_runtime")
        self._listeners = vars(self._alb)["_listeners"]
        self._balancers = vars(self._alb)["_lbs"]
        self.asgi = self._app.app
        _show_tags_of_apis()
        _end_processes_of_a_former_role()
        _name_attributes(self._actions)
        _count_loopback_as_secure(self._app)
        _say_whom_services_act_for(self._evaluator)
        log_pages.serve_pages()
        parsed_expressions.remember_parsed()

    def serve_batch(self, endpoint: Endpoint) -> None:
        """Have Batch's calls authorised on their real resources, and answered by `endpoint`."""
        self._app.SERVICE_HANDLERS["batch"] = partial(self._handle_batch, endpoint)
        _show_tags_of_batch(endpoint)
        actions: Any = self._actions
        original = actions.extract_resource_arn

        def resource_arn(*request: Any) -> str:
            service, method, path, _headers, body, query = request[:6]
            if service == "batch":
                return endpoint.chief_resource(method, path, query, body)
            return str(original(*request))

        actions.extract_resource_arn = resource_arn
        authorized_calls.check_as_aws()

    def load_balancer_on(self, port: int, region: str, account: str) -> Mapping[str, Any] | None:
        """Return the load balancer that has a listener on `port`, None when there is none."""
        with self._responses.request_scope(account, region):
            # Listeners outlive their load balancer there, so both have to be looked up.
            for listener in self._listeners.values():
                found: Mapping[str, Any] | None = self._balancers.get(listener["LoadBalancerArn"])
                if listener["Port"] == port and found is not None:
                    return found
        return None

    async def forward(
        self, balancer: Mapping[str, Any], port: int, request: WebRequest, scope: tuple[str, str]
    ) -> Answer:
        """Return a load balancer's answer to a request; `scope` is its account and region."""
        with self._responses.request_scope(*scope):
            status, headers, body = await self._alb.dispatch_request(
                balancer,
                request.method,
                request.path,
                request.headers,
                request.body,
                request.query,
                port,
                client_ip=request.client_ip,
                raw_query_string=request.query_string,
                raw_path=request.raw_path,
            )
        return status, headers, body

    def rest_method(self, call: Call, path: str, scope: tuple[str, str]) -> Method | None:
        """Return the REST API's method that a request calls; None when it calls none.

        `path` is the decoded one, `scope` the account and region where there are APIs.
        """
        found = vars(self._app)["_parse_execute_api_url"](call.headers.get("host", ""), path)
        if found is None:
            return None
        api_id, stage, rest = found
        apis: Any = vars(self._app)["_get_module"]("apigateway_v1")
        with self._responses.request_scope(*scope):
            if apis.find_api_scope(api_id) is None:
                return None
            kind = apis.method_authorization_type(api_id, stage, call.method, rest)
        account, region = scope
        target = f"{api_id}/{stage}/{call.method}/{rest.lstrip('/')}"
        arn = f"arn:aws:execute-api:{region}:{account}:{target}"
        return Method(arn, authorization=kind or "")

    def api_refusal(self, call: Call, method: Method, error: SignatureError) -> Answer | None:
        """Return what a REST API's own gateway responses say of a signature that isn't good.

        None when the API has no such stage.
        """
        apis: Any = vars(self._app)["_get_module"]("apigateway_v1")
        api_id, stage = method.arn.split(":")[5].split("/")[:2]
        code = _API_CODES.get(error.code, error.code)
        failure = self._evaluator.AuthError(code, error.message)
        query = parse_qs(call.query_string, keep_blank_values=True)
        found: Answer | None = apis.authentication_error_response(
            api_id, stage, failure, dict(call.headers), query
        )
        return found

    def credential_of(self, access_key_id: str) -> Credential | None:
        """Return what belongs to a user's or a session's key; None for one that nobody has.

        SignatureError for a session that has ended.
        """
        session = vars(self._responses)["_account_from_sts_session"](access_key_id)
        try:
            account = session or self._evaluator.find_iam_access_key_account(access_key_id)
        except self._evaluator.AmbiguousAccessKeyError:
            return None
        if account is None:
            return None
        found = self._evaluator.resolve_credential(access_key_id, account)
        if isinstance(found, self._evaluator.CredentialResolutionError):
            if found.code == "ExpiredTokenException":
                raise SignatureError(found.code, found.message)
            raise unknown_key()
        return Credential(found.account_id, found.secret_access_key, found.session_token)

    def key_in(self, call: Call) -> str:
        """Return the access key that MiniStack will take a request to be signed with."""
        query = parse_qs(call.query_string, keep_blank_values=True)
        return str(self._router.extract_access_key_id(dict(call.headers), query))

    def is_registry(self, path: str) -> bool:
        """Return whether a path is of the image registry's protocol."""
        return bool(vars(self._app)["_is_ecr_registry_path"](path))

    def refusal(self, call: Call, path: str, error: SignatureError) -> Answer:
        """Return the 403 for a signature that isn't good, in the form of the service called."""
        query, headers = parse_qs(call.query_string, keep_blank_values=True), dict(call.headers)
        service = self._router.detect_service(call.method, path, headers, query)
        is_query_protocol = "x-www-form-urlencoded" in headers.get("content-type", "")
        if is_query_protocol and error.code == "MissingAuthenticationToken":
            service = "sts"  # which one is called, the body says, and that isn't read
        _, answered, body = self._actions.access_denied_response(
            service,
            "",
            "",
            str(uuid.uuid4()),
            error_code=error.code,
            message=error.message,
            headers=headers,
        )
        if not any(name.lower() == "x-amzn-errortype" for name in answered):
            # Clients of JSON services read this where the service isn't known.
            answered["x-amzn-ErrorType"] = f"{error.code}Exception"
        return 403, answered, body

    def stop_functions(self) -> None:
        """End the processes that run Lambda functions."""
        self._functions.reset()

    async def _handle_batch(self, endpoint: Endpoint, *request: Any) -> Answer:
        method, path, headers, body, query = request
        authorise = partial(self._refusal, (headers, query, body))
        # In a thread: the service's lock may be held, and this is MiniStack's event loop.
        return await asyncio.to_thread(endpoint.answer, method, path, query, body, authorise)

    def _refusal(
        self, request: tuple[dict[str, str], dict[str, list[str]], bytes], action: str, arn: str
    ) -> Answer | None:
        headers, query, body = request
        tags = self._actions.request_tag_context("batch", action, body, {})
        key = self._router.extract_access_key_id(headers, query)
        region = self._router.extract_region(headers)
        denied = self._evaluator.enforce(
            key, action, "batch", region, resource_arn=arn, service_context=tags
        )
        if denied is None:
            return None
        # Credentials that were good for the chief resource are good here: this is a denial.
        principal = getattr(denied, "principal_arn", "")
        text = f"User: {principal} is not authorized to perform: {action} on resource: {arn}"
        answer: Answer = self._actions.access_denied_response(
            "batch",
            action,
            principal,
            str(uuid.uuid4()),
            message=text,
            headers=headers,
        )
        return answer


def _show_tags_of_batch(endpoint: Endpoint) -> None:
    """Let conditions on `aws:ResourceTag` see the tags of Batch's resources, jobs included."""
    tagging: Any = import_module("ministack.services.tagging")
    original = tagging.resource_tags

    def resource_tags(arn: str) -> dict[str, str] | None:
        is_ours = arn.split(":", 3)[2:3] == ["batch"]
        found: dict[str, str] | None = endpoint.tags_of(arn) if is_ours else original(arn)
        return found

    tagging.resource_tags = resource_tags


def _name_attributes(actions: Any) -> None:
    """Let conditions on `dynamodb:Attributes` see every attribute that a call names."""
    original = actions.dynamodb_service_context
    actions.dynamodb_service_context = lambda body: {**original(body), **condition_keys(body)}


def _count_loopback_as_secure(app: Any) -> None:
    """Let calls count as encrypted on their way: they don't leave this machine.

    So the policies that refuse all others (`aws:SecureTransport`) are the same here as in AWS.
    """
    pin: Any = app.pin_request_origin
    app.pin_request_origin = lambda source_ip, _is_https: pin(source_ip, secure_transport=True)


def _say_whom_services_act_for(evaluator: Any) -> None:
    """Let conditions of trust policies see for whom ECS acts: root assumes roles in its place."""
    original = evaluator.evaluate_trust_policy

    def evaluate_trust_policy(trust: Any, caller: str, context: Any = None) -> bool:
        if context is not None and caller.endswith(":root"):
            account = context.principal_account
            source = f"arn:aws:ecs:{context.region}:{account}:*"
            keys = {"aws:sourceaccount": account, "aws:sourcearn": source}
            context = replace(context, service_context={**context.service_context, **keys})
        return bool(original(trust, caller, context))

    evaluator.evaluate_trust_policy = evaluate_trust_policy


def _end_processes_of_a_former_role() -> None:
    """Let a function act as its new role at once: its processes have the old one's credentials."""
    functions: Any = import_module("ministack.services.lambda_svc")
    update, end = vars(functions)["_update_config"], vars(functions)["invalidate_worker"]

    def update_and_end(name: str, data: Mapping[str, Any]) -> Any:
        answer = update(name, data)
        if "Role" in data:
            end(name, qualifier="$LATEST")
        return answer

    vars(functions).update(_update_config=update_and_end)


def _show_tags_of_apis() -> None:
    """Let GetRestApi and GetStage show what TagResource and UntagResource have done since."""
    rest_apis: Any = import_module("ministack.services.apigateway_v1")
    tag, untag = vars(rest_apis)["_tag_v1_resource"], vars(rest_apis)["_untag_v1_resource"]

    def tag_and_show(arn: str, given: Mapping[str, Any]) -> Any:
        answer = tag(arn, given)
        _tags_shown(rest_apis, arn).update(given.get("tags", {}))
        return answer

    def untag_and_show(arn: str, keys: list[str]) -> Any:
        answer = untag(arn, keys)
        for key in keys:
            _tags_shown(rest_apis, arn).pop(key, None)
        return answer

    vars(rest_apis).update(_tag_v1_resource=tag_and_show, _untag_v1_resource=untag_and_show)


def _tags_shown(rest_apis: Any, arn: str) -> dict[str, str]:
    """Return the tags that the API or stage of the ARN shows, to be changed in place."""
    _, _, path = arn.partition("/restapis/")
    api_id, _, stage = path.partition("/stages/")
    found: dict[str, Any] | None = vars(rest_apis)["_rest_apis"].get(api_id)
    if stage:
        found = vars(rest_apis)["_stages_v1"].get(api_id, {}).get(stage)
    tags: dict[str, str] = {} if found is None else found.setdefault("tags", {})
    return tags
