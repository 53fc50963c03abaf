"""The environment of the local cloud for AWS's own tools: what to set, and what must not win."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping

from batchctl.local.control.record import CloudRecord

OVERRIDING = (
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
)
"""AWS SDKs and Tools Reference Guide: with these, other credentials or endpoints would be used."""

_LOOPBACK = "127.0.0.1"


def variables(running: CloudRecord) -> dict[str, str]:
    """Return what AWS's tools need to call the local cloud as its root user."""
    key_id, secret = running.root
    return {
        "AWS_ENDPOINT_URL": running.endpoint_url,
        "AWS_ACCESS_KEY_ID": key_id,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_REGION": running.region,
        "AWS_DEFAULT_REGION": running.region,
    }


def shell_lines(running: CloudRecord, environment: Mapping[str, str]) -> Iterator[str]:
    """Give lines for a POSIX shell whose environment this is."""
    for name, value in variables(running).items():
        yield f"export {name}={shlex.quote(value)}"
    if proxied := _without_proxy(environment):
        yield f"export NO_PROXY={shlex.quote(proxied)} no_proxy={shlex.quote(proxied)}"
    others = sorted(name for name in environment if name.startswith("AWS_ENDPOINT_URL_"))
    yield f"unset {' '.join(shlex.quote(name) for name in (*OVERRIDING, *others))}"


def _without_proxy(environment: Mapping[str, str]) -> str:
    """Return the hosts that need no proxy, the local cloud among them; empty without a proxy."""
    lower = {name.lower(): value for name, value in environment.items()}
    hosts = lower.get("no_proxy", "")
    if not {"http_proxy", "all_proxy"} & lower.keys() or _LOOPBACK in hosts.split(","):
        return ""
    return f"{hosts},{_LOOPBACK}".lstrip(",")
