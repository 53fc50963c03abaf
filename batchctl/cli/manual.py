"""The manual page, roff as man(7) has it, made from the help of every command."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import click

_SECTION_OF_COMMANDS = "1"


def manual_page(root: click.Command, name: str, version: str) -> str:
    """Return the page of a program: what it does, its options, and each command with its own."""
    context = click.Context(root, info_name=name)
    heading = f'.TH {name.upper()} {_SECTION_OF_COMMANDS} "" "{name} {version}" "{name}"'
    lines = [heading, ".SH NAME", _text(f"{name} - {_first_line(root)}")]
    lines += [".SH SYNOPSIS", f".B {name}", _text("[OPTIONS] COMMAND [ARGS]...")]
    lines += [".SH DESCRIPTION", *_description(root), ".SH OPTIONS", *_options(root, context)]
    lines += [".SH COMMANDS", *_commands(root, context, name)]
    return "\n".join(lines) + "\n"


def _commands(group: click.Command, context: click.Context, above: str) -> Iterator[str]:
    if not isinstance(group, click.Group):
        return
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        inner = click.Context(command, info_name=name, parent=context)
        usage = " ".join(command.collect_usage_pieces(inner))
        yield f".SS {_escaped(f'{above} {name}')}"
        yield f".B {_escaped(f'{above} {name}')}"
        yield _text(usage)
        yield ".PP"
        yield from _description(command)
        yield from _options(command, inner)
        yield from _commands(command, inner, f"{above} {name}")


def _description(command: click.Command) -> Iterator[str]:
    """Yield the paragraphs of the help; what Click is not to wrap is kept line by line."""
    for number, paragraph in enumerate(inspect.cleandoc(command.help or "").split("\n\n")):
        if number:
            yield ".PP"
        if paragraph.startswith("\b\n"):
            yield ".nf"
            yield from map(_text, paragraph.removeprefix("\b\n").split("\n"))
            yield ".fi"
        else:
            yield _text(" ".join(paragraph.split()))


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if isinstance(parameter, click.Option) and record is not None and record[1]:
            yield ".TP"
            yield f".B {_escaped(record[0])}"
            yield _text(re.sub(r"\s+", " ", record[1]))


def _first_line(command: click.Command) -> str:
    return inspect.cleandoc(command.help or "").split("\n\n")[0].removesuffix(".")


def _text(line: str) -> str:
    """Return a line of text: one that begins as a request of roff does is none."""
    escaped = _escaped(line)
    return rf"\&{escaped}" if escaped.startswith((".", "'")) else escaped


def _escaped(text: str) -> str:
    return text.replace("\\", r"\e").replace("-", r"\-")
