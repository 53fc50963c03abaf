"""`batchctl policy`: the least IAM policy that a person or a pipeline needs."""

from __future__ import annotations

import click

from batchctl.cli.opening import open_to_compare
from batchctl.cli.options import shared_options
from batchctl.cli.output import print_json, say, show_script

PURPOSES = ("all", "up", "down", "jobs", "read", "ci", "map")


@click.command()
@click.option(
    "--for",
    "purpose",
    type=click.Choice(PURPOSES),
    default="all",
    show_default=True,
    help="What it is to allow: `up` and `down`; `jobs`: cancel, retry, logs, why, dead-letters; "
    "`read`: plan, status, doctor; `ci`: read, up and jobs; `map`: jobs, and functions of one's "
    "own for them (`batchctl.map`).",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(("json", "terraform")),
    default="json",
    show_default=True,
    help="An IAM policy document, or Terraform's resources.",
)
@click.option(
    "--trust",
    metavar="github:ORG/REPO",
    help="Print the trust policy of a role for a pipeline instead: github:ORG/REPO (branch main), "
    "github:ORG/REPO@BRANCH or github:ORG/REPO#ENVIRONMENT.",
)
@shared_options
def policy(*, purpose: str, form: str, trust: str | None) -> None:
    """Print the least IAM policy that a person or a pipeline needs.

    It is made of what the code calls, and scoped to the stack's names and tags, the account and the
    region wherever IAM can. Changes nothing.

    \b
    Examples:
      batchctl policy > policy.json
      batchctl policy --for jobs
      batchctl policy --for ci --format terraform
      batchctl policy --trust github:my-org/my-repo
    """
    from batchctl.application.policy import (  # noqa: PLC0415 - loads boto3
        of_application,
        statements,
        terraform,
    )
    from batchctl.application.policy import trust as trusts  # noqa: PLC0415 - as above

    who = trusts.trusted(trust) if trust else None
    application = open_to_compare()
    name = f"{application.config.name}-batchctl-{purpose}"
    names = of_application.names_of(application)
    if names.account == "*":
        say("the account isn't known: `*` stands in its place (set `account_id` in config.yaml)")
    if who is not None:
        document = trusts.trust_policy(who, names.partition, names.account)
        role = f"{application.config.name}-batchctl-deploy"
        as_terraform = terraform.as_role(document, role)
    else:
        found = of_application.policy_of(application, statements.Purpose(purpose))
        document = statements.document(found)
        as_terraform = terraform.as_policies(found, name)
        _note_length(statements.length(document), statements.LONGEST_MANAGED)
    if form == "terraform":
        show_script(as_terraform)
    else:
        print_json(document)


def _note_length(length: int, longest: int) -> None:
    if length > longest:
        say(
            f"{length:,} characters: too long for one managed policy ({longest:,}); put it into a "
            "role as an inline policy, or use `--format terraform`, which splits it"
        )
