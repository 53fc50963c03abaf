"""Whom a new application lets in: what `init` asks about, before there is any configuration."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ValidationError

from batchctl.config import Api, Config
from batchctl.stack.openness import door_of, openness_warning


def openness_of(networks: Sequence[str] = ()) -> str | None:
    """Return in one line whom the default front door lets in; None when that is nobody.

    With `networks` (CIDRs that are valid), they are what may reach it.
    """
    api = Api(allowed_cidrs=tuple(networks)) if networks else Api()
    return openness_warning(door_of(Config(api=api)))


def checked_networks(cidrs: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the networks as config.yaml has them, and what is wrong with them: one is empty.

    An address by itself is a network of its own.
    """
    try:
        return Api(allowed_cidrs=tuple(cidrs)).allowed_cidrs, ()
    except ValidationError as error:
        return (), tuple(each["msg"] for each in error.errors())
