"""Whom the front door lets in: how open one is, and what one lets in that another refuses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from batchctl.config import Config
from batchctl.contract.front_doors import ALB, FRONT_DOORS, SIGNED
from batchctl.resources.apigateway.rest_apis import AUTHENTICATION_OFF
from batchctl.resources.ec2.cidrs import is_wide, newly_let_in

EVERYONE = ("0.0.0.0/0",)


@dataclass(frozen=True)
class Door:
    """A front door as far as who comes in matters; `cidrs` None: it isn't known from where."""

    mode: str
    auth: str
    cidrs: tuple[str, ...] | None
    scheme: str | None

    @property
    def is_open(self) -> bool:
        """Whether strangers may use it: no signature, and networks in which anyone may be."""
        return self.auth == "none" and any(map(is_wide, self.cidrs or ()))


def door_of(config: Config) -> Door:
    """Return the front door that config.yaml asks for."""
    api = config.api
    if not FRONT_DOORS[api.mode].in_vpc:
        return Door(api.mode, api.auth, EVERYONE, "https")
    scheme = "https" if api.certificate_arn else "http"
    return Door(api.mode, api.auth, tuple(api.allowed_cidrs), scheme)


def openness_warning(door: Door) -> str | None:
    """Return in one line whom an open door lets in, and what helps; None for every other."""
    if not door.is_open:
        return None
    who = "anyone on the internet can submit jobs and read results"
    if not FRONT_DOORS[door.mode].in_vpc:
        return f"{who}: only allow signed requests (`batchctl up --auth iam`)"
    networks = "limit the networks that can call it (`api.allowed_cidrs`)"
    signed = f"only allow signed requests (`batchctl up --api-mode {SIGNED.mode} --auth iam`)"
    if door.scheme == "https":
        return f"{who}: {networks}, or {signed}"
    return f"{who}, over plain HTTP: {networks} and set `api.certificate_arn`, or {signed}"


def front_door_warnings(config: Config, partition: str) -> Iterator[str]:
    """Yield what to know of the front door before it is built in a partition (`aws-cn`)."""
    if warning := openness_warning(door_of(config)):
        yield warning
    kind = FRONT_DOORS[config.api.mode]
    if kind.needs_filing_in_china and (config.api.auth, partition) == ("none", "aws-cn"):
        yield (
            f"in China {kind.product} answers unsigned requests only for accounts with an ICP "
            f"filing, all others with 403: use `--auth iam`, or `--api-mode {ALB.mode}` on a port "
            "that needs no filing"
        )


def loosened_since(agreed: Door, wanted: Door) -> Iterator[str]:
    """Yield what `wanted` lets in that `agreed` refuses, as far as no resource can say it.

    That is between two modes, of which one's resources go and the other's come; within one mode
    the resources know better, as they know what AWS has.
    """
    if wanted.auth == "iam":
        return
    if agreed.auth == "iam":
        yield AUTHENTICATION_OFF
    elif agreed.mode != wanted.mode and agreed.cidrs is not None:
        added = newly_let_in(agreed.cidrs, wanted.cidrs or ())
        if added:
            yield f"the front door will accept {', '.join(map(str, added))}, which it refuses today"
