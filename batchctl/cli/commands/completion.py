"""`batchctl completion`: what makes a shell complete our commands."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from batchctl.cli.options import shared_options
from batchctl.cli.output import show_script
from batchctl.errors import BatchctlError

SHELLS = ("bash", "zsh", "fish")
PROGRAM, VARIABLE = "batchctl", "_BATCHCTL_COMPLETE"
"""Click's own names for them: the program answers when its variable is set."""


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@shared_options
def completion(*, shell: str) -> None:
    """Print a shell script that completes commands, options and job ids.

    Job ids come from the API, if it answers within a second. Requires Bash 4.4 or later.

    \b
    Examples:
      eval "$(batchctl completion bash)"      # in ~/.bashrc
      eval "$(batchctl completion zsh)"       # in ~/.zshrc, after compinit
      batchctl completion fish > ~/.config/fish/completions/batchctl.fish
    """
    kind = get_completion_class(shell)
    if kind is None:  # Click knows all three
        raise BatchctlError(f"could not complete for `{shell}`: Click doesn't know it")
    group = click.get_current_context().find_root().command
    # Click's `source` would run bash to learn its version, which may not be installed here.
    made = kind(group, {}, PROGRAM, VARIABLE)
    show_script(made.source_template % made.source_vars())
