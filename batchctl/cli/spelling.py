"""Commands in messages, spelled as this user called us: what is pasted acts where they act.

A message names a command as `batchctl NAME …`, whoever writes it. Where it is printed (`output` and
the JSON of errors and causes) it gets the options that said which application is meant. Without
them a pasted command would act in the account and the folder of the defaults.
"""

from __future__ import annotations

import re
import shlex

import click

_KEY = "batchctl.spelling"
_COMMAND = re.compile(r"`batchctl (?P<local>--local )?(?=[a-z])")


def remember(
    config: str | None = None,
    *,
    local: bool = False,
    profile: str | None = None,
    region: str | None = None,
) -> None:
    """Keep the options of the running command that say which application it is about."""
    click.get_current_context().meta[_KEY] = (config, local, profile, region)


def spelled(text: str) -> str:
    """Return a text with every `batchctl NAME …` in it spelled with the user's options."""
    if "`batchctl " not in text or (context := click.get_current_context(silent=True)) is None:
        return text
    if not (given := context.meta.get(_KEY)):
        return text
    return _COMMAND.sub(lambda found: f"`{_program(*given, here=bool(found['local']))} ", text)


def _program(
    config: str | None, local: bool, profile: str | None, region: str | None, *, here: bool
) -> str:
    """Return how we are called; `here` when the message itself means the local cloud."""
    words = ["batchctl", *(["--local"] if local or here else [])]
    values = {"--config": config, "--profile": profile, "--region": region}
    if here and not local:  # the options of an account are none of the local cloud's
        values = {"--config": config}
    for option, value in values.items():
        words += [option, value] if value else []
    return shlex.join(words)
