"""The commands about config.yaml itself: check, schema, show."""

from __future__ import annotations

import click

from batchctl import application
from batchctl.cli.options import current_options, shared_options
from batchctl.cli.output import print_json, show, show_script


@click.group()
@shared_options
def config() -> None:
    """Show, check and describe the settings of config.yaml.

    \b
    Examples:
      batchctl config show
      batchctl config check
    """


@config.command("show")
@click.option("--defaults", is_flag=True, help="Show every setting at its default.")
@shared_options
def show_settings(*, defaults: bool) -> None:
    """Print every setting as it is in force, with what it is: a config.yaml of its own.

    \b
    Examples:
      batchctl config show
      batchctl config show --defaults > all-settings.yaml
    """
    show_script(application.all_settings(current_options().target, defaults=defaults).rstrip("\n"))


@config.command()
@shared_options
def schema() -> None:
    """Print the JSON Schema of config.yaml, by which editors complete and check it.

    \b
    Example:
      batchctl config schema > config.schema.json
    """
    print_json(application.settings_schema())


@config.command()
@shared_options
def check() -> None:
    """Check config.yaml without calling AWS; exit with 2 and all that is wrong, by its line.

    Whether AWS has what it names, `batchctl doctor` says.

    \b
    Example:
      batchctl config check
    """
    path = current_options().config_path
    name = application.check_settings(current_options().target)
    if current_options().json:
        print_json({"config": str(path), "name": name, "valid": True})
        return
    show(f"{path} is valid: application `{name}`")
