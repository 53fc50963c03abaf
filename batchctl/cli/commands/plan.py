"""`batchctl plan`: what `up` would change, and why."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click

from batchctl import application as applications
from batchctl.cli.display import front_door
from batchctl.cli.display.cost import as_json as cost_as_json
from batchctl.cli.display.cost import show_change
from batchctl.cli.display.folder import show_folder
from batchctl.cli.display.layers import show_layers
from batchctl.cli.display.other_stacks import show_other_stacks
from batchctl.cli.display.plan import as_json, show_plan
from batchctl.cli.display.secrets import show_secrets
from batchctl.cli.opening import open_to_build
from batchctl.cli.options import current_options, front_door_options, shared_options
from batchctl.cli.output import print_json, say, show
from batchctl.cli.runs import planned

FOUND_CHANGES = 3


@click.command()
@front_door_options
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the plan to a file, for `up --plan`.",
)
@click.option("--exit-code", is_flag=True, help="Exit with 3 when there are changes.")
@shared_options
def plan(*, api_mode: str | None, auth: str | None, out: Path | None, exit_code: bool) -> None:
    """Show what `up` would change, and why, without changing anything.

    Parts that are created or deleted as a whole take one line. `-v` lists every resource and
    attribute.

    \b
    Examples:
      batchctl plan
      batchctl --local plan -v
      batchctl plan --json --exit-code
      batchctl plan --api-mode restapi --auth iam
      batchctl plan --out reviewed.plan && batchctl up --plan reviewed.plan
    """
    application = open_to_build(api_mode, auth)
    show_other_stacks(application)
    made = planned(application)
    if version := applications.newer_version(application):
        say(f"WARNING: batchctl {version} built it: `up` of this version would downgrade it")
    applications.require_allowed(application, made)
    secrets, change = application.image_secrets, application.front_door_change(made)
    layers = application.layers_to_push(made)
    cost = application.standing_cost(made)
    takeover = applications.takeover_of(application, made)
    if current_options().json:
        beside = {
            "front_door": front_door.as_json(change),
            "takes_over": asdict(takeover) if takeover else None,
            "secrets": asdict(secrets) if secrets else None,
            "image_layers": asdict(layers) if layers else None,
            "cost": cost_as_json(cost) if cost else None,
        }
        print_json({**beside, **as_json(made)})
    else:
        show_plan(made, show, application.purposes, verbose=current_options().verbose)
        show_layers(layers)
        if cost:
            show_change(cost, show)
        show_secrets(secrets)
        show_folder(application.folder_notice)
        front_door.show_front_door(change)
        if takeover:
            show(f"FOUND: {takeover} is deployed here: `batchctl up` asks before it takes it over")
    if out is not None:
        applications.plan_file_of(application, made).write(out)
        say(f"wrote {out}: `batchctl up --plan {out}` carries it out")
    if exit_code and made.changes:
        sys.exit(FOUND_CHANGES)
