"""The AWS account of an application: that of the credentials, refused when it is another."""

from __future__ import annotations

import os

import boto3

from batchctl.application.target import Target
from batchctl.aws.service_models import ServiceModels
from batchctl.aws.session import Aws, Connection
from batchctl.config import Config
from batchctl.errors import BatchctlError, UsageError
from batchctl.private_files import cache_directory, sealed_folder


def open_account(target: Target, config: Config) -> Aws:
    """Return the account; UsageError without a region, or when it is another than `account_id`."""
    aws = unasked_account(target, config)
    if config.account_id and aws.account != config.account_id:
        raise UsageError(
            f"could not use these credentials: they are of account `{aws.account}`, "
            f"`account_id` in config.yaml says `{config.account_id}`",
            hint="use the other profile (`--profile`), or correct `account_id`",
        )
    return aws


def unasked_account(target: Target, config: Config) -> Aws:
    """Return the account whosesoever it is: no call is made; UsageError without a region."""
    # AWS's own tools know AWS_REGION; boto3 reads AWS_DEFAULT_REGION alone.
    region = target.region or config.region or os.environ.get("AWS_REGION")
    session = boto3.Session(profile_name=target.profile, region_name=region)
    aws = Aws(Connection(session, models=cached_models()), stack=config.name, tags=config.tags)
    aws.region  # noqa: B018 - a missing region is said before a missing login
    return aws


def cached_models() -> ServiceModels | None:
    """Return the service models in the user's cache directory; None where there can be none."""
    try:
        return ServiceModels(sealed_folder(cache_directory()))
    except (BatchctlError, OSError):
        return None
