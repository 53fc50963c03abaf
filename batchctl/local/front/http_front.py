"""The local cloud's front: one application on MiniStack's and the load balancer's port.

First of all `gatekeeper` refuses what comes from a web page. What comes in on the load balancer's
port goes to whichever load balancer has a listener on it, with the limits that an Application Load
Balancer has. On MiniStack's port, `/_batchctl/…` is ours and asks for the root secret, all other
private paths are closed, and the rest is AWS: every call's signature is verified, but for the open
methods of a REST API, and the image registry, which has passwords.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, quote

from batchctl.local.batch.api.endpoint import Answer
from batchctl.local.batch.api.service import Batch
from batchctl.local.emulator.ministack import MiniStack, WebRequest
from batchctl.local.front import execute_api, gatekeeper, registry
from batchctl.local.front.sigv4 import Call, SignatureError, claims_an_identity, mismatch
from batchctl.local.front.verifier import Caller, Verifier

MAX_BODY = 1024 * 1024
"""Elastic Load Balancing User Guide, "Lambda functions as targets": request and response bodies of
at most 1 MB."""

MAX_UNVERIFIED_BODY = 80 * 1024 * 1024
"""Ours, for what must be read before its signature can be verified: more than the largest function
(50 MB, AWS Lambda Developer Guide, "Lambda quotas") takes when it is encoded."""

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Request = tuple[Scope, Receive, Send]

_PRIVATE = "/_batchctl/"
_API = "/_aws/execute-api/"
_HEALTH = "/health"
"""Where MiniStack describes itself to whoever asks."""


class BodyTooLargeError(Exception):
    """The request's body is larger than its front door takes."""


@dataclass(frozen=True)
class FrontConfig:
    """Where the front answers: its second port, and the load balancer's account and region."""

    load_balancer_port: int
    account: str
    region: str
    identity: dict[str, Any]


@dataclass(frozen=True)
class Locks:
    """What opens MiniStack's port: the root secret, signatures, the registry's passwords."""

    root_secret: str = field(repr=False)
    verifier: Verifier
    passwords: registry.Passwords


class HttpFront:
    """The ASGI application."""

    def __init__(
        self, ministack: MiniStack, batch: Batch, config: FrontConfig, locks: Locks
    ) -> None:
        """Put `ministack` on the first port, its load balancer on the second."""
        self._ministack, self._batch, self._config, self._locks = ministack, batch, config, locks
        self.is_ready = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (or the server's start and end, which are MiniStack's)."""
        if scope["type"] not in {"http", "websocket"}:
            await self._ministack.asgi(scope, receive, send)
            return
        send = gatekeeper.without_cors(send)
        if scope["type"] == "websocket":
            # The server answers 403 to what was not accepted (ASGI, "Close - send event").
            await send({"type": "websocket.close"})
            return
        refused = gatekeeper.refusal(scope)
        port = (scope.get("server") or ("", 0))[1]
        if refused is not None:
            await _send(send, refused, scope["method"])
        elif port == self._config.load_balancer_port:
            await _send(send, await self._balanced(scope, receive), scope["method"])
        elif scope["path"].startswith(_PRIVATE):
            await _send(send, await self._private(scope, receive), scope["method"])
        else:
            await self._aws(scope, receive, send)

    async def _aws(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, call = scope["path"], _call(scope)
        _, account, region = self._listener()
        method = self._ministack.rest_method(call, path, (account, region))
        if path == _HEALTH or (path.startswith("/_") and not path.startswith(_API)):
            await _send(send, gatekeeper.forbidden(f"`{path}` is closed"), call.method)
        elif self._ministack.is_registry(path):
            await self._registry(call, (scope, receive, send))
        elif method is not None:
            await self._rest_api(call, method, (scope, receive, send))
        else:
            await self._signed(call, (scope, receive, send))

    async def _registry(self, call: Call, request: Request) -> None:
        scope, receive, send = request
        # With a name of its own, S3's, the host would be a bucket.
        is_plain = not call.headers["host"].partition(":")[0].lower().endswith(".localhost")
        authorization = call.headers.get("authorization", "")
        is_query_clean = not claims_an_identity(Call("", "", call.query_string, {}))
        if is_plain and is_query_clean and self._locks.passwords.admit(authorization):
            await self._ministack.asgi(scope, receive, send)
        else:
            await _send(send, registry.challenge(), call.method)

    async def _rest_api(self, call: Call, method: execute_api.Method, request: Request) -> None:
        scope, receive, send = request
        try:
            refused, call = await self._api_refusal(call, method, receive)
        except BodyTooLargeError:
            refused = _json(413, {"message": "Request Too Long"})
        if refused is not None:
            await _send(send, refused, call.method)
        else:
            await self._ministack.asgi(scope, _again(call.body, receive), send)

    async def _api_refusal(
        self, call: Call, method: execute_api.Method, receive: Receive
    ) -> tuple[Answer | None, Call]:
        """Return why a REST API refuses a call, None when it doesn't; and the call with its body.

        Without credentials, an open method is called, and MiniStack refuses all others.
        """
        if _may_be_unsigned(call, method):
            return None, _with(call, await _read(receive, execute_api.MAX_BODY))
        try:
            caller = self._caller(call)
            if method.asks_for_iam:
                refused = execute_api.scope_refusal(caller.signature, method)
                if refused is not None:
                    return refused, call
            call = _with(call, await _read(receive, execute_api.MAX_BODY))
            self._locks.verifier.check_body(call, caller)
        except SignatureError as error:
            own = self._ministack.api_refusal(call, method, error)
            return own or execute_api.signature_refusal(error), call
        return execute_api.account_refusal(caller.account, method), call

    async def _signed(self, call: Call, request: Request) -> None:
        scope, receive, send = request
        try:
            caller = self._caller(call)
            limit = None if caller.is_verified else MAX_UNVERIFIED_BODY
            call = _with(call, await _read(receive, limit))
            self._locks.verifier.check_body(call, caller)
        except SignatureError as error:
            await _send(send, self._ministack.refusal(call, scope["path"], error), call.method)
        except BodyTooLargeError:
            await _send(send, _json(413, {"message": "Request Too Long"}), call.method)
        else:
            await self._ministack.asgi(scope, _again(call.body, receive), send)

    def _caller(self, call: Call) -> Caller:
        caller = self._locks.verifier.caller(call)
        if self._ministack.key_in(call) != caller.signature.access_key_id:
            raise mismatch()
        return caller

    async def _balanced(self, scope: Scope, receive: Receive) -> Answer:
        port, account, region = self._listener()
        balancer = self._ministack.load_balancer_on(port, region, account)
        if balancer is None:
            text = (
                f"no load balancer has a listener on port {port}; `batchctl --local up` makes one"
            )
            return _json(503, {"error": text})
        try:
            body = await _read(receive)
        except BodyTooLargeError:
            return _json(413, {"error": f"the request body has more than {MAX_BODY} bytes"})
        request = _web_request(scope, body, f"{balancer['DNSName']}:{port}")
        answer = await self._ministack.forward(balancer, port, request, (account, region))
        if len(answer[2]) > MAX_BODY:
            return _json(502, {"error": f"the target's answer has more than {MAX_BODY} bytes"})
        return answer

    async def _private(self, scope: Scope, receive: Receive) -> Answer:
        if not self._is_opened_by(_headers(scope).get("authorization", "")):
            return gatekeeper.forbidden("this path asks for the local cloud's secret")
        call = (scope["method"], scope["path"].removeprefix(_PRIVATE))
        if call == ("GET", "status"):
            return _json(200, self._config.identity | {"is_ready": self.is_ready})
        is_json = _headers(scope).get("content-type", "").startswith("application/json")
        if call == ("POST", "interrupt") and is_json:
            try:
                return self._interrupt(await _read(receive))
            except BodyTooLargeError:
                return _json(413, {"message": f"the request body has more than {MAX_BODY} bytes"})
        return _json(404, {"message": f"there is no {scope['method']} {scope['path']} here"})

    def _is_opened_by(self, authorization: str) -> bool:
        expected = f"Bearer {self._locks.root_secret}"
        return hmac.compare_digest(authorization.encode(), expected.encode())

    def _interrupt(self, body: bytes) -> Answer:
        try:
            rate = float(json.loads(body or b"{}").get("rate", 1.0))
        except (ValueError, TypeError, AttributeError):
            return _json(400, {"message": "`rate` must be a number from 0 to 1"})
        return _json(200, {"interrupted": list(self._batch.interrupt(rate))})

    def _listener(self) -> tuple[int, str, str]:
        config = self._config
        return config.load_balancer_port, config.account, config.region


def _may_be_unsigned(call: Call, method: execute_api.Method) -> bool:
    # By the API's own host name, a path could be one of the emulator's.
    if claims_an_identity(call) or not call.raw_path.startswith((_API, "/restapis/")):
        return False
    # Whom the emulator can't make out it may take for root: only a function of the user's own may
    # read an Authorization header that is no signature.
    is_bare = "authorization" not in call.headers
    return method.authorization == "NONE" or (is_bare and method.authorization in {"", "AWS_IAM"})


async def _read(receive: Receive, limit: int | None = MAX_BODY) -> bytes:
    body = bytearray()
    is_complete = False
    while not is_complete:
        message = await receive()
        body += message.get("body", b"")
        is_complete = message["type"] == "http.disconnect" or not message.get("more_body", False)
        if limit is not None and len(body) > limit:
            raise BodyTooLargeError
    return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """Give a body that was read once more, then whatever comes after it."""
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> MutableMapping[str, Any]:
        return messages.pop() if messages else await receive()

    return next_message


def _call(scope: Scope) -> Call:
    raw_path = scope.get("raw_path") or quote(scope["path"]).encode()
    return Call(
        method=scope["method"],
        raw_path=raw_path.decode("latin-1"),
        query_string=scope.get("query_string", b"").decode("latin-1"),
        headers={name: _utf_8(value) for name, value in _headers(scope, ",").items()},
    )


def _utf_8(value: str) -> str:
    try:
        return value.encode("latin-1").decode()
    except UnicodeDecodeError:
        return value


def _with(call: Call, body: bytes) -> Call:
    return replace(call, body=body)


def _web_request(scope: Scope, body: bytes, host: str) -> WebRequest:
    query_string = scope.get("query_string", b"").decode()
    raw_path = scope.get("raw_path") or quote(scope["path"]).encode()
    return WebRequest(
        method=scope["method"],
        path=scope["path"],
        raw_path=raw_path.decode("latin-1"),
        query_string=query_string,
        query=parse_qs(query_string, keep_blank_values=True),
        headers=_headers(scope) | {"host": host},
        body=body,
        client_ip=(scope.get("client") or ("127.0.0.1",))[0],
    )


def _headers(scope: Scope, joint: str = ", ") -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}{joint}{value}" if name in headers else value
    return headers


async def _send(send: Send, answer: Answer, method: str) -> None:
    status, headers, body = answer
    content = body.encode() if isinstance(body, str) else body
    lines = [(name.lower(), value) for name, value in headers.items()]
    if "content-length" not in dict(lines):
        lines.append(("content-length", str(len(content))))
    encoded = [
        (name.encode("latin-1"), str(item).encode("latin-1"))
        for name, value in lines
        for item in (value if isinstance(value, list) else [value])
    ]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else content})


def _json(status: int, content: dict[str, Any]) -> Answer:
    return status, {"Content-Type": "application/json"}, json.dumps(content).encode()
