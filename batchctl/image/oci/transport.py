"""HTTP to a registry: proxies and certificates of the environment, retries, errors with a way out.

Reads are tried again after a cut connection, a 429 or a 5xx; so is what may be repeated. A password
is only ever sent to the host that it is for.
"""

from __future__ import annotations

import os
import random
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

import urllib3
from urllib3.exceptions import HTTPError, MaxRetryError, ProxyError, SSLError

from batchctl.errors import BatchctlError, Interrupted
from batchctl.image.container_engine import is_loopback

CONNECT_TIMEOUT_S, READ_TIMEOUT_S = 10.0, 60.0
TRIES = 5
CONNECTIONS = 8
"""Kept open to one registry."""
_TRIED_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})

Response = urllib3.BaseHTTPResponse
Body = bytes | Iterable[bytes] | None


class RegistryError(BatchctlError):
    """A registry can't be reached, or refuses; `status` is HTTP's, 0 without an answer."""

    code = "registry"

    def __init__(self, message: str, hint: str | None = None, status: int = 0) -> None:
        """Keep the status."""
        super().__init__(message, hint)
        self.status = status


@dataclass(frozen=True)
class Request:
    """A request: `body` gives the body anew for each try; with `stream` the answer is read later.

    One that is not `repeatable` is sent once.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Callable[[], Body] = lambda: None
    repeatable: bool = True
    stream: bool = False

    def allowed(self, headers: Mapping[str, str]) -> Request:
        """Return it with the headers that let it in."""
        return replace(self, headers={**self.headers, **headers})


@dataclass(frozen=True)
class Transport:
    """Sends requests; `stop` ends a run between two of them, `sleep` takes seconds.

    Each is tried so many times, and waited for so long.
    """

    stop: threading.Event = field(default_factory=threading.Event)
    sleep: Callable[[float], None] = time.sleep
    tries: int = TRIES
    timeout_s: float = READ_TIMEOUT_S
    pools: dict[str, urllib3.PoolManager] = field(default_factory=dict, repr=False)

    def send(self, request: Request) -> Response:
        """Send a request, again where that may help; return the answer, whatever its status.

        RegistryError without an answer, Interrupted when the run was stopped.
        """
        tries = self.tries if request.repeatable else 1
        for tried in range(tries):
            is_last = tried == tries - 1
            try:
                answer = self._once(request)
            except (HTTPError, OSError) as error:
                if is_last:
                    raise unreachable(request.url, error) from error
                answer = None
            if answer is not None and (is_last or answer.status not in _TRIED_AGAIN):
                return answer
            self._pause(tried, answer)
        raise AssertionError  # the last try returns or raises

    def _once(self, request: Request) -> Response:
        if self.stop.is_set():
            host = urllib3.util.parse_url(request.url).host
            raise Interrupted(f"stopped the transfer with `{host}`")
        return self._pool(request.url).request(
            request.method,
            request.url,
            headers=dict(request.headers),
            body=request.body(),
            redirect=False,
            retries=False,
            preload_content=not request.stream,
            timeout=urllib3.Timeout(
                connect=min(CONNECT_TIMEOUT_S, self.timeout_s), read=self.timeout_s
            ),
        )

    def _pause(self, tried: int, answer: Response | None) -> None:
        asked = answer.headers.get("Retry-After", "") if answer is not None else ""
        # Jitter is no secret.
        pause = random.uniform(0.5, 1.0) * 2.0**tried / 2  # noqa: S311
        self.sleep(min(30.0, float(asked)) if asked.isdecimal() else pause)

    def _pool(self, url: str) -> urllib3.PoolManager:
        parsed = urllib3.util.parse_url(url)
        proxy = _proxy_for(parsed.scheme or "https", parsed.host or "")
        if proxy not in self.pools:
            context = ssl.create_default_context(cafile=_certificates())
            self.pools[proxy] = (
                urllib3.ProxyManager(proxy, ssl_context=context, maxsize=CONNECTIONS)
                if proxy
                else urllib3.PoolManager(ssl_context=context, maxsize=CONNECTIONS)
            )
        return self.pools[proxy]


def scheme_of(host: str) -> str:
    """Return how to speak with a registry: plain HTTP with one on this machine alone."""
    return "http" if is_loopback(host) else "https"


def _proxy_for(scheme: str, host: str) -> str:
    if is_loopback(host) or urllib.request.proxy_bypass(host):
        return ""
    return urllib.request.getproxies().get(scheme, "")


def _certificates() -> str | None:
    named = (os.environ.get(name) for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"))
    return next(filter(None, named), None)


def unreachable(url: str, error: Exception) -> RegistryError:
    """Return the error for a registry that gave no answer."""
    host = urllib3.util.parse_url(url).host
    reason = error.reason if isinstance(error, MaxRetryError) and error.reason else error
    if isinstance(reason, ProxyError):
        hint = "check the environment variable HTTPS_PROXY, which names the proxy"
    elif isinstance(reason, SSLError):
        hint = (
            "where a proxy or company signs the certificates, name its bundle in the environment "
            "variable AWS_CA_BUNDLE"
        )
    else:
        hint = (
            "check the network (HTTPS_PROXY names a proxy); the command goes on from where it was"
        )
    return RegistryError(f"could not reach the image registry `{host}`: {reason}", hint)
