"""Commands that are loaded when they are called, so that `batchctl --help` is quick."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click

_UNCUT = 1000


@dataclass(frozen=True)
class LazyCommand:
    """A command by its name, the module that has it under that name, and its line of help."""

    name: str
    module: str
    help: str

    def load(self) -> click.Command:
        """Import the module and return the command; TypeError when that is none."""
        module = import_module(self.module)
        # A command whose name is a builtin's has another one in its module.
        found = getattr(module, self.name.replace("-", "_"), None) or module.command
        if not isinstance(found, click.Command):
            raise TypeError(f"`{self.name}` in `{self.module}` is no command")
        return found


class LazyGroup(click.Group):
    """A group that loads a command when it is asked for it; its help needs none of them."""

    def __init__(
        self,
        *arguments: Any,
        lazy_commands: Sequence[LazyCommand] = (),
        sections: Mapping[str, Sequence[str]] | None = None,
        **options: Any,
    ) -> None:
        """Take the commands in the order in which the help lists them, and its sections by name.

        What is in no section is under "Commands".
        """
        super().__init__(*arguments, **options)
        self.sections = sections or {}
        self.lazy_commands = {each.name: each for each in lazy_commands}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names: the lazy ones in their order, then the others."""
        others = (name for name in super().list_commands(ctx) if name not in self.lazy_commands)
        return [*self.lazy_commands, *others]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name, loaded; None when there is none."""
        lazy = self.lazy_commands.get(cmd_name)
        return lazy.load() if lazy else super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; of one that there isn't, name those that are spelled like it."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = get_close_matches(args[0], self.list_commands(ctx), n=3)
            if near:
                names = " or ".join(f"`{name}`" for name in near)
                raise click.UsageError(f"{error.message} Did you mean {names}?", ctx) from error
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands with their whole lines of help, which Click would cut."""
        names = self.list_commands(ctx)
        width = max(map(len, names))
        placed = {name for section in self.sections.values() for name in section}
        others = [name for name in names if name not in placed]
        for title, section in (*self.sections.items(), ("Commands", others)):
            if rows := [(f"{n:<{width}}", self._help(ctx, n)) for n in section if n in names]:
                with formatter.section(title):
                    formatter.write_dl(rows)

    def _help(self, ctx: click.Context, name: str) -> str:
        """Return the whole line of help: it is wrapped, never cut."""
        if lazy := self.lazy_commands.get(name):
            return lazy.help
        command = super().get_command(ctx, name)
        return command.get_short_help_str(_UNCUT) if command else ""
