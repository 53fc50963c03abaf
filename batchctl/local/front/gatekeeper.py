"""What the local cloud's ports refuse before anything else of a request is read.

They listen on the loopback address, which every page in the user's browser reaches, too. A page
shows itself: by `Origin`, by `Sec-Fetch-Site` (Fetch Metadata Request Headers, W3C), by `Referer`,
or, when a name of its own was pointed at this machine (DNS rebinding), by `Host`. Command lines and
SDKs send none of these. Requests that HTTP lets one say in more than one way are refused as well.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from batchctl.local.batch.api.endpoint import Answer

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_NAME = r"(127\.0\.0\.1|localhost|\[::1\]|([a-z0-9_-]+\.)+localhost)"
_HOST = re.compile(rf"{_NAME}(:[0-9]{{1,5}})?", re.IGNORECASE)
_OWN_SITES = frozenset({"none", "same-origin"})
_OF_BROWSERS = (
    "origin",
    "access-control-request-method",
    "access-control-request-headers",
    "access-control-request-private-network",
    "sec-websocket-key",
)
"""Headers that only a page's script sends; a user who types an address sends none of them."""

_ONCE = ("host", "authorization", "content-length", "transfer-encoding", "x-amz-date")


def refusal(scope: Scope) -> Answer | None:
    """Return the 403 for a request that comes from a page, or isn't plain; None for any other."""
    headers: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    why = _why(scope, headers)
    return None if why is None else forbidden(why)


def forbidden(why: str) -> Answer:
    """Return a 403 that says why."""
    return 403, {"Content-Type": "application/json"}, json.dumps({"error": why}).encode()


def without_cors(send: Send) -> Send:
    """Return what sends answers without the headers that let a page read them."""

    async def stripped(message: MutableMapping[str, Any]) -> None:
        if "headers" in message:
            kept = [line for line in message["headers"] if not _is_cors(line[0])]
            message = {**message, "headers": kept}
        await send(message)

    return stripped


def _why(scope: Scope, headers: Mapping[str, list[str]]) -> str | None:
    return _not_plain(scope, headers) or _foreign(headers)


def _not_plain(scope: Scope, headers: Mapping[str, list[str]]) -> str | None:
    if scope.get("http_version", "1.1") not in {"1.0", "1.1"}:
        return "the local cloud speaks HTTP/1.1 only"
    if not (scope.get("raw_path") or scope["path"].encode()).startswith(b"/"):
        return "the request target must be a path"
    for name in _ONCE:
        if len(headers.get(name, [])) > 1:
            return f"more than one `{name}` header"
    if "content-length" in headers and "transfer-encoding" in headers:
        return "both `content-length` and `transfer-encoding`"
    return None


def _foreign(headers: Mapping[str, list[str]]) -> str | None:
    host = headers.get("host", [""])[0]
    if not is_loopback(host):
        return "the `Host` header does not name this machine's loopback address"
    for name in _OF_BROWSERS:
        if name in headers:
            return f"requests of web pages are refused (`{name}` header)"
    if any(site.strip().lower() not in _OWN_SITES for site in headers.get("sec-fetch-site", [])):
        return "requests of web pages are refused (`sec-fetch-site` header)"
    if not all(_is_own(referer) for referer in headers.get("referer", [])):
        return "requests of web pages are refused (`referer` header)"
    return None


def is_loopback(host: str) -> bool:
    """Return whether a `Host` header is a name of the loopback address, with or without a port."""
    return _HOST.fullmatch(host) is not None


def _is_own(referer: str) -> bool:
    try:
        parts = urlsplit(referer)
    except ValueError:
        return False
    return parts.scheme in {"http", ""} and is_loopback(parts.netloc)


def _is_cors(name: bytes) -> bool:
    return name.lower().startswith((b"access-control-", b"timing-allow-origin"))
