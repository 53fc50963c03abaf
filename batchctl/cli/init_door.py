"""The question of `init`: whom the API is to let in."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Final

import click
from pydantic import ValidationError

from batchctl.cli.output import say
from batchctl.config import Api, Config
from batchctl.stack.openness import door_of, openness_warning

SIGNED: Final[Mapping[str, str]] = {"mode": "restapi", "auth": "iam"}
EVERYONE: Final[Mapping[str, str]] = {}
QUESTION = """whom is the API to let in?
  1  signed requests of your AWS account alone (API Gateway with IAM)
  2  whoever is in networks that you name, such as your office's (a load balancer)
  3  anyone on the internet (a load balancer)"""


def ask_whom_to_let_in() -> Mapping[str, str]:
    """Return the settings of `api` that the answer asks for, in YAML.

    Without a terminal there are none, and what the default lets in is said.
    """
    if not sys.stdin.isatty():
        _warn()
        return EVERYONE
    say(QUESTION)
    answer = click.prompt("1, 2 or 3", type=click.Choice(["1", "2", "3"]), err=True)
    if answer == "1":
        return SIGNED
    if answer == "2":
        return {"allowed_cidrs": f"[{', '.join(_networks())}]"}
    _warn()
    return EVERYONE


def _warn() -> None:
    if warning := openness_warning(door_of(Config())):
        say(f"WARNING: once deployed to AWS, {warning}")


def _networks() -> tuple[str, ...]:
    """Ask until each is a network; an address by itself is one of its own."""
    while True:
        text = click.prompt("networks, for example 203.0.113.0/24, 198.51.100.7/32", err=True)
        cidrs = tuple(filter(None, re.split(r"[\s,]+", text)))
        try:
            return Api(allowed_cidrs=cidrs).allowed_cidrs
        except ValidationError as error:
            for each in error.errors():
                say(f"a network {each['msg']}")


def with_settings(config: str, settings: Mapping[str, str]) -> str:
    """Return config.yaml with these settings of its sections in the place of those that it has.

    Their keys are those of one section alone.
    """
    for key, value in settings.items():
        pattern = rf"^(  {key}: )(\[.*?\]|\S+)( *)(?=#)"

        def put(found: re.Match[str], value: str = value) -> str:
            width = len(found[2]) + len(found[3])
            return f"{found[1]}{value:<{width - 1}} "

        config = re.sub(pattern, put, config, count=1, flags=re.MULTILINE)
    return config
