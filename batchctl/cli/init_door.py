"""The question of `init`: whom the API is to let in."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from batchctl import application
from batchctl.cli.output import ask_for, say
from batchctl.contract.front_doors import REST_API

SIGNED: Final[Mapping[str, str]] = {"mode": REST_API.mode, "auth": "iam"}
EVERYONE: Final[Mapping[str, str]] = {}
QUESTION: Final = (
    "who can call the API?",
    "  1  only signed requests of your AWS account (API Gateway with IAM)",
    "  2  whoever is in networks that you name, such as your office's (a load balancer)",
    "  3  anyone on the internet (a load balancer)",
)


def ask_whom_to_let_in() -> Mapping[str, str]:
    """Return the settings of `api` that the answer asks for, in YAML.

    Without a terminal there are none, and what the default lets in is said.
    """
    if not sys.stdin.isatty():
        _warn()
        return EVERYONE
    for line in QUESTION:
        say(line)
    answer = ask_for("1, 2 or 3", choices=("1", "2", "3"))
    if answer == "1":
        return SIGNED
    if answer == "2":
        networks = _networks()
        # Networks may be as wide as the internet.
        _warn(networks)
        return {"allowed_cidrs": f"[{', '.join(networks)}]"}
    _warn()
    return EVERYONE


def _warn(networks: Sequence[str] = ()) -> None:
    if warning := application.openness_of(networks):
        say(f"WARNING: once deployed to AWS, {warning}")


def _networks() -> tuple[str, ...]:
    """Ask until each is a network; an address by itself is one of its own."""
    while True:
        text = ask_for("networks, for example 203.0.113.0/24, 198.51.100.7/32")
        cidrs = tuple(filter(None, re.split(r"[\s,]+", text)))
        networks, problems = application.checked_networks(cidrs)
        if not problems:
            return networks
        for problem in problems:
            say(f"a network {problem}")


SHORT: Final = frozenset({"name", "region", "mode", "auth", "allowed_cidrs", "build"}) | {
    *("vcpus", "memory_mib", "timeout_s", "max_vcpus")
}
"""The settings of a config.yaml to start from, of the sections that have them first."""
SHORT_SECTIONS: Final = frozenset({"", "api", "compute"})
HEAD: Final = """\
# The settings that most applications change, at their defaults. `batchctl config show` prints all
# of them; docs/config.md says more.

"""


def shortened(template: str, settings: Mapping[str, str]) -> str:
    """Return config.yaml with the settings to start from, and with those that are given."""
    lines, section = [HEAD], ""
    for line in template.splitlines():
        key, colon, _ = line.partition(":")
        if line.startswith("#") or not colon:
            continue
        if not line.startswith(" ") and line.endswith(":"):
            section = key
            lines += ["\n" + line + "\n"] if section in SHORT_SECTIONS else []
        elif section in SHORT_SECTIONS and key.strip() in SHORT | settings.keys():
            lines.append(line + "\n")
    return "".join(lines)


def with_settings(config: str, settings: Mapping[str, str]) -> str:
    """Return config.yaml with these settings of its sections in the place of those that it has.

    Their keys are those of one section alone.
    """
    for key, value in settings.items():
        pattern = rf"^((?:  )?{key}: )(\[.*?\]|\S+)( *)(?=#)"

        def put(found: re.Match[str], value: str = value) -> str:
            width = len(found[2]) + len(found[3])
            return f"{found[1]}{value:<{width - 1}} "

        config = re.sub(pattern, put, config, count=1, flags=re.MULTILINE)
    return config
