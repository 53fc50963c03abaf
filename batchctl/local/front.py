"""The local cloud's front: one application on the AWS gateway's and the load balancer's port.

What comes in on the load balancer's port goes to whichever load balancer has a listener on it,
with the limits that an Application Load Balancer has. On the gateway's port, `/_batchctl/…` is
ours and all else is AWS, where calls to a REST API are checked as `execute_api` says.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote

from batchctl.local import execute_api
from batchctl.local.batch.endpoint import Answer
from batchctl.local.batch.service import Batch
from batchctl.local.gateway import Gateway, WebRequest
from batchctl.local.record import SECRET_ACCESS_KEY

MAX_BODY = 1024 * 1024
"""Elastic Load Balancing User Guide, "Lambda functions as targets": request and response bodies of
at most 1 MB."""

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_PRIVATE = "/_batchctl/"


class BodyTooLargeError(Exception):
    """The request's body is larger than its front door takes."""


@dataclass(frozen=True)
class Site:
    """Where the front stands: its second port, and the load balancer's account and region."""

    load_balancer_port: int
    account: str
    region: str
    identity: dict[str, Any]


class Front:
    """The ASGI application."""

    def __init__(self, gateway: Gateway, batch: Batch, site: Site) -> None:
        """Put `gateway` on the first port, its load balancer on the second."""
        self._gateway, self._batch, self._site = gateway, batch, site
        self.is_ready = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (or the server's start and end, which are the gateway's)."""
        port = (scope.get("server") or ("", 0))[1]
        if scope["type"] == "http" and port == self._site.load_balancer_port:
            await _send(send, await self._balanced(scope, receive), scope["method"])
        elif scope["type"] == "http" and scope["path"].startswith(_PRIVATE):
            await _send(send, await self._private(scope, receive), scope["method"])
        elif scope["type"] == "http":
            await self._aws(scope, receive, send)
        else:
            await self._gateway.asgi(scope, receive, send)

    async def _aws(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = _call(scope, b"")
        _, account, region = self._place()
        method = self._gateway.rest_method(call, scope["path"], (account, region))
        if method is None:
            await self._gateway.asgi(scope, receive, send)
            return
        try:
            call = _call(scope, await _read(receive, execute_api.MAX_BODY))
        except BodyTooLargeError:
            await _send(send, _json(413, {"message": "Request Too Long"}), call.method)
            return
        refused = self._refusal(call, method)
        if refused is not None:
            await _send(send, refused, call.method)
        else:
            await self._gateway.asgi(scope, _again(call.body, receive), send)

    def _refusal(self, call: execute_api.Call, method: execute_api.Method) -> Answer | None:
        signature = execute_api.signature_of(call)
        account = self._gateway.account_of(signature.access_key_id) if signature else None
        root = execute_api.Root(self._site.account, SECRET_ACCESS_KEY)
        return execute_api.refusal(call, method, account, root)

    async def _balanced(self, scope: Scope, receive: Receive) -> Answer:
        port, account, region = self._place()
        balancer = self._gateway.load_balancer_on(port, region, account)
        if balancer is None:
            text = (
                f"no load balancer has a listener on port {port}; `batchctl --local up` makes one"
            )
            return _json(503, {"message": text})
        try:
            body = await _read(receive)
        except BodyTooLargeError:
            return _json(413, {"message": f"the request body has more than {MAX_BODY} bytes"})
        request = _web_request(scope, body, f"{balancer['DNSName']}:{port}")
        answer = await self._gateway.forward(balancer, port, request, (account, region))
        if len(answer[2]) > MAX_BODY:
            return _json(502, {"message": f"the target's answer has more than {MAX_BODY} bytes"})
        return answer

    async def _private(self, scope: Scope, receive: Receive) -> Answer:
        call = (scope["method"], scope["path"].removeprefix(_PRIVATE))
        if call == ("GET", "status"):
            return _json(200, self._site.identity | {"is_ready": self.is_ready})
        # A page in the user's browser can't send this content type without asking first.
        is_json = _headers(scope).get("content-type", "").startswith("application/json")
        if call == ("POST", "interrupt") and is_json:
            return self._interrupt(await _read(receive))
        return _json(404, {"message": f"there is no {scope['method']} {scope['path']} here"})

    def _interrupt(self, body: bytes) -> Answer:
        try:
            rate = float(json.loads(body or b"{}").get("rate", 1.0))
        except (ValueError, TypeError, AttributeError):
            return _json(400, {"message": "`rate` must be a number from 0 to 1"})
        return _json(200, {"interrupted": list(self._batch.interrupt(rate))})

    def _place(self) -> tuple[int, str, str]:
        site = self._site
        return site.load_balancer_port, site.account, site.region


async def _read(receive: Receive, limit: int = MAX_BODY) -> bytes:
    body = bytearray()
    is_complete = False
    while not is_complete:
        message = await receive()
        body += message.get("body", b"")
        is_complete = message["type"] == "http.disconnect" or not message.get("more_body", False)
        if len(body) > limit:
            raise BodyTooLargeError
    return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """Give a body that was read once more, then whatever comes after it."""
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> MutableMapping[str, Any]:
        return messages.pop() if messages else await receive()

    return next_message


def _call(scope: Scope, body: bytes) -> execute_api.Call:
    raw_path = scope.get("raw_path") or quote(scope["path"]).encode()
    return execute_api.Call(
        method=scope["method"],
        raw_path=raw_path.decode("latin-1"),
        query_string=scope.get("query_string", b"").decode("latin-1"),
        headers=_headers(scope),
        body=body,
    )


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


def _headers(scope: Scope) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
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
