"""The options that every command takes, before or after the command's name."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import click

from batchctl.application.target import Target
from batchctl.cli import spelling
from batchctl.cli.debug import debug_log
from batchctl.contract.front_doors import AUTHS, FRONT_DOORS

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True)
class Options:
    """What the shared options say; None or False where they weren't given."""

    config: Path | None = None
    local: bool = False
    profile: str | None = None
    region: str | None = None
    json: bool = False
    verbose: bool = False
    debug: bool = False

    @property
    def config_path(self) -> Path:
        """The configuration file: `--config`, else config.yaml of this folder."""
        return self.config or Path("config.yaml")

    @property
    def target(self) -> Target:
        """The application that they mean."""
        return Target(self.config_path, self.local, self.profile, self.region)


class _SharedOption(click.Option):
    """An option of every command, described on the first page of the help alone."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return what the help says of it; of all together one line on a command's own page."""
        if ctx.parent is None:
            return super().get_help_record(ctx)
        if self.name != "config":
            return None
        return "Global options", f"{_NAMES}: see `{ctx.find_root().info_name} --help`."


_NAMES = "--config, --local, --profile, --region, --json, -v, --debug"
_SHARED = (
    click.option(
        "--config",
        cls=_SharedOption,
        type=click.Path(path_type=Path, dir_okay=False),
        help="Configuration file.  [default: config.yaml]",
    ),
    click.option(
        "--local", cls=_SharedOption, is_flag=True, help="Use the local cloud instead of AWS."
    ),
    click.option("--profile", cls=_SharedOption, help="AWS profile."),
    click.option("--region", cls=_SharedOption, help="AWS region (overrides config.yaml)."),
    click.option(
        "--json",
        cls=_SharedOption,
        is_flag=True,
        help="Print machine-readable JSON on stdout.",
    ),
    click.option(
        "-v",
        "--verbose",
        cls=_SharedOption,
        is_flag=True,
        help="Show more: every resource, step and check.",
    ),
    click.option(
        "--debug",
        cls=_SharedOption,
        is_flag=True,
        help="Show tracebacks and AWS calls; with `-v`, also what is sent and received. "
        "Secrets are masked.",
    ),
)


def shared_options(command: Command) -> Command:
    """Add the shared options; the command gets them, the group's included, by `current_options`."""

    @functools.wraps(command)
    def run(*arguments: Any, **given: Any) -> Any:
        own = {each.name: given.pop(each.name) for each in fields(Options)}
        context = click.get_current_context()
        inherited = context.obj if isinstance(context.obj, Options) else Options()
        options = replace(inherited, **{key: value for key, value in own.items() if value})
        context.obj = options
        spelling.remember(
            str(options.config) if options.config else None,
            local=options.local,
            profile=options.profile,
            region=options.region,
        )
        if options.debug:
            context.with_resource(debug_log(wire=options.verbose))
        return command(*arguments, **given)

    for option in reversed(_SHARED):
        run = option(run)
    return run  # type: ignore[return-value]


def front_door_options(command: Command) -> Command:
    """Add the options that choose the front door, before config.yaml's."""
    modes = click.option(
        "--api-mode",
        type=click.Choice(tuple(FRONT_DOORS)),
        help="How the API is exposed: load balancer or API Gateway.",
    )
    auths = click.option(
        "--auth", type=click.Choice(AUTHS), help="Authentication: none, or IAM (SigV4)."
    )
    return modes(auths(command))


def wide_option(command: Command) -> Command:
    """Add the option for tables that are wider than the terminal."""
    return click.option("--wide", is_flag=True, help="Show every column.")(command)


_ASSUMES_API_ROLE = "batchctl.assumes_api_role"


def api_options(command: Command) -> Command:
    """Add the option of the commands that call the API; `assumes_api_role` has what it says."""

    def keep(context: click.Context, _: click.Parameter, given: bool) -> None:
        context.meta[_ASSUMES_API_ROLE] = given

    return click.option(
        "--assume-api-role",
        is_flag=True,
        expose_value=False,
        callback=keep,
        help="Sign requests as the API's execute role (`up --auth iam`).",
    )(command)


def assumes_api_role() -> bool:
    """Whether the running command was given `--assume-api-role`."""
    return bool(click.get_current_context().meta.get(_ASSUMES_API_ROLE))


def current_options() -> Options:
    """Return the shared options of the running command."""
    found = click.get_current_context().obj
    return found if isinstance(found, Options) else Options()
