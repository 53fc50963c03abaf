"""The policy for one application: its stack behind each front door, its names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batchctl.application.account import unasked_account
from batchctl.application.front_door import behind_each_door
from batchctl.application.policy.statements import Names, Purpose, statements
from batchctl.aws.session import Aws
from batchctl.errors import LoggedOut

if TYPE_CHECKING:
    from batchctl.application.building import BuildableApplication


def policy_of(application: BuildableApplication, purpose: Purpose) -> list[dict[str, Any]]:
    """Return the statements that `purpose` needs, behind whichever front door."""
    stack = {
        (each.address, type(each)): each
        for config in (application.config, *behind_each_door(application.config))
        for each in application.stack_of(config)
    }
    return statements(stack.values(), names_of(application), purpose)


def names_of(application: BuildableApplication) -> Names:
    """Return what the ARNs are made of; the account is `*` where nothing and nobody says it."""
    aws, recorded = _aws(application), application.recorded
    api = recorded.outputs("rest_api.api").get("id") if recorded else None
    return Names(
        partition=aws.partition.id,
        region=aws.region,
        account=_account(application, aws),
        stack=application.config.name,
        path=application.config.iam.path,
        ec2=aws.partition.service_principal("ec2"),
        api=str(api or "*"),
        state=_state(application),
    )


def _state(application: BuildableApplication) -> str:
    """Return where a shared state is, bucket and prefix; nothing where it isn't shared."""
    address = None if application.target.local else application.config.state
    return (address or "").removeprefix("s3://")


def _aws(application: BuildableApplication) -> Aws:
    """Return the account as far as it needs no credentials: who administers IAM may have others."""
    if application.target.local:
        return application.aws
    return unasked_account(application.target, application.config)


def _account(application: BuildableApplication, aws: Aws) -> str:
    if application.recorded is not None:
        return application.recorded.identity.account
    try:
        return application.config.account_id or aws.account
    except LoggedOut:
        return "*"
