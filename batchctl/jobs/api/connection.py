"""HTTP to the front door: one request, sent again while the cause may pass.

Every request of the API may be repeated: reads change nothing, and the same job under the same id
is one job. So a lost connection, and the 502 and 503 of a new door, are waited out.
"""

from __future__ import annotations

import html
import json
import re
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError, LocationValueError, SSLError
from urllib3.exceptions import TimeoutError as NoAnswerError

from batchctl import __version__
from batchctl.errors import UsageError
from batchctl.jobs.api.new_task import is_compressed
from batchctl.jobs.errors import Unreachable

FIRST_DELAY_S = 0.2
LONGEST_DELAY_S = 5.0
# The functions take 29 s at most; the load balancer drops an idle connection after 60 s.
TIMEOUT = urllib3.Timeout(connect=5, read=45)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
LATER_MAYBE = frozenset({429, 502, 503, 504})


@dataclass(frozen=True)
class Request:
    """A request ready to be sent, as a signature covers it."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


Sign = Callable[[Request], Mapping[str, str]]
"""Gives the headers to send a request with. Called anew for each attempt: signatures expire."""


@dataclass(frozen=True)
class Answer:
    """What came back: `body` is the JSON object, or None when it is something else."""

    status: int
    body: dict[str, Any] | None
    text: str
    location: str = ""
    retry_after_s: float = 0.0

    @property
    def error(self) -> str:
        """What the answer says is wrong, in one line: its `error`, else what it is instead.

        API Gateway's own answers have `message`, and `Message` when IAM denies the call. A redirect
        is told by where it leads, a page of HTML, such as a network's login, by its title.
        """
        body = self.body or {}
        message = body.get("error") or body.get("message") or body.get("Message")
        if isinstance(message, str):
            return message
        if self.location:
            return f"a redirect to `{self.location}`"
        if title := _TITLE.search(self.text[:10_000]):
            return f"a web page titled `{' '.join(html.unescape(title[1]).split())}`"
        return " ".join(self.text[:200].split()) or "no text"


@dataclass(frozen=True)
class Patience:
    """How long to try again, in seconds: without any connection, and with an answer "not now".

    `on_retry` gets the cause and the seconds that have passed, before each further try.
    """

    unreachable_s: float = 3.0
    unavailable_s: float = 15.0
    on_retry: Callable[[str, float], object] | None = None


class Connection:
    """The way to one endpoint, such as `http://HOST:9999`."""

    def __init__(
        self,
        endpoint: str,
        *,
        sign: Sign | None,
        http: urllib3.PoolManager | None,
        sleep: Callable[[float], None],
        clock: Callable[[], float],
    ) -> None:
        """Connect to nothing yet; raises UsageError for what isn't a URL of HTTP.

        `sleep` and `clock` are of seconds.
        """
        if not endpoint.startswith(("http://", "https://")):
            raise UsageError(f"could not use endpoint `{endpoint}`: it must begin with `http://`")
        self.endpoint = endpoint.rstrip("/")
        self._sign = sign
        self._http = http or _pool(self.endpoint)
        self._sleep = sleep
        self._clock = clock

    def send(
        self, method: str, target: str, body: bytes = b"", patience: Patience | None = None
    ) -> Answer:
        """Send a request for `target` (path and query) until it is answered or patience ends.

        Gives every answer but the passing ones (429, 502, 503, 504, and 500 for a moment); raises
        Unreachable when these, or the lack of a connection, don't pass.
        """
        patience = patience or Patience()
        started, delay_s = self._clock(), FIRST_DELAY_S
        while True:
            outcome = self._attempt(method, target, body)
            if isinstance(outcome, Answer) and outcome.status not in LATER_MAYBE | {500}:
                return outcome
            pause_s, passed_s = max(delay_s, _asked_s(outcome)), self._clock() - started
            if passed_s + pause_s > _limit_s(outcome, patience):
                return self._give_up(outcome)
            if patience.on_retry:
                patience.on_retry(_cause(outcome), passed_s)
            self._sleep(pause_s)
            delay_s = min(2 * delay_s, LONGEST_DELAY_S)

    def _attempt(self, method: str, target: str, body: bytes) -> Answer | HTTPError:
        try:
            response = self.exchange(method, target, body)
        except HTTPError as error:
            return error
        return _answer(response.status, response.data, response.headers)

    def exchange(
        self, method: str, target: str, body: bytes = b"", more: Mapping[str, str] | None = None
    ) -> urllib3.BaseHTTPResponse:
        """Send a request once, signed if it must be, and return what came back, as it is.

        `more` are headers besides or instead of ours, in lower case; raises urllib3's HTTPError.
        """
        headers = {
            "accept": "application/json",
            "user-agent": f"batchctl/{__version__}",
            **({"content-type": "application/json"} if body else {}),
            **({"content-encoding": "gzip"} if is_compressed(body) else {}),
            **(more or {}),
        }
        # As urllib3 is going to encode it: a signature covers what is really sent.
        url = urllib3.util.parse_url(self.endpoint + target).url
        request = Request(method, url, headers, body)
        signed = headers if self._sign is None else self._sign(request)
        return self._http.request(
            method, request.url, body=body or None, headers=dict(signed), timeout=TIMEOUT,
            retries=False, redirect=False,
        )  # fmt: skip

    def _give_up(self, outcome: Answer | HTTPError) -> Answer:
        if isinstance(outcome, HTTPError):
            raise Unreachable(self.endpoint, cause_of(outcome)) from outcome
        if outcome.status == 500:
            return outcome
        raise Unreachable(self.endpoint, _cause(outcome))


def _cause(outcome: Answer | HTTPError) -> str:
    if isinstance(outcome, HTTPError):
        return cause_of(outcome)
    return f"status {outcome.status}, {outcome.error}"


def _asked_s(outcome: Answer | HTTPError) -> float:
    """Return how long the answer asks to wait (RFC 9110, Retry-After in seconds), 0 without."""
    return outcome.retry_after_s if isinstance(outcome, Answer) else 0.0


def _answer(status: int, content: bytes, headers: Mapping[str, str]) -> Answer:
    text = content.decode(errors="replace")
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        body = None
    location = headers.get("location", "") if 300 <= status < 400 else ""
    asked = headers.get("retry-after", "")
    return Answer(
        status,
        body if isinstance(body, dict) else None,
        text,
        location,
        float(asked) if asked.isascii() and asked.isdecimal() else 0.0,
    )


def _limit_s(outcome: Answer | HTTPError, patience: Patience) -> float:
    if isinstance(outcome, Answer):
        later = outcome.status in LATER_MAYBE
        return patience.unavailable_s if later else patience.unreachable_s
    # A certificate or an address that is wrong stays wrong.
    passing = not isinstance(outcome, SSLError | LocationValueError)
    return patience.unreachable_s if passing else 0.0


def cause_of(error: HTTPError) -> str:
    """Say in a few words why there is no connection, without the names of our library's classes."""
    inner = error.__cause__
    if isinstance(inner, OSError) and inner.strerror:
        return inner.strerror.lower()
    if isinstance(error, NoAnswerError):
        return "no answer in time"
    text = str(error.args[-1] if error.args else error)
    return text.rpartition(">: ")[2] or type(error).__name__


def _pool(endpoint: str) -> urllib3.PoolManager:
    """Make the connections, through the proxy that the environment names, as boto3 does."""
    parts = urlsplit(endpoint)
    proxy = urllib.request.getproxies().get(parts.scheme)
    if not proxy or urllib.request.proxy_bypass(parts.hostname or ""):
        return urllib3.PoolManager()
    login = urllib3.util.parse_url(proxy).auth
    headers = urllib3.make_headers(proxy_basic_auth=login) if login else None
    return urllib3.ProxyManager(proxy, proxy_headers=headers)
