"""config.yaml as a whole: what stands at its top, the sections, and the flags of `up` over them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, ValidationError, model_validator

from batchctl.config import rules
from batchctl.config.problems import conflict, problems_of
from batchctl.config.sections import (
    Api,
    Compute,
    Functions,
    Iam,
    JobTable,
    Local,
    Network,
    Queue,
    Section,
)
from batchctl.config.values import AccountId, Leave, Name, Region, Requires, StateAddress, Tags
from batchctl.errors import UsageError


class Config(Section):
    """The settings of one application, as config.yaml has them; all have defaults."""

    name: Name = "batchapp"
    """Name of the stack; all names in AWS begin with it.

    2 to 20 lower-case letters, digits and single hyphens: the name of a load balancer has at most
    32 characters.
    """
    requires: Requires | None = None
    """Versions of batchctl that may be used, e.g. ">=0.2,<1".

    Any other is refused by every command. Spelled as in requirements of Python packages.
    """
    region: Region | None = None
    """AWS region; null: from the environment or the profile.

    The environment variables are AWS_REGION and AWS_DEFAULT_REGION.
    """
    account_id: AccountId | None = None
    """Account to deploy to, e.g. "123456789012"; null: any.

    12 digits in quotes. Any other account is refused before the first change.
    """
    tags: Tags = Field(default_factory=dict)
    """Tags of all resources, e.g. {team: research}.

    At most 43. Keys that begin with `aws:` or `batchctl:` are reserved.
    """
    state: StateAddress | None = None
    """Shared state, e.g. s3://bucket/prefix; null: a file here.

    Where all who share the stack find its state. See [A shared
    stack](deploying.md#a-shared-stack).
    """
    protect: bool = False
    """Refuse to take the stack down.

    `down`, and every replacement of the job table, of a queue and of what callers reach, are
    refused. Set it to false and run `up` first.
    """
    leave: Leave = Field(default_factory=dict)
    """What others own, e.g. {log_group.api: [retentionInDays]}.

    Addresses of resources, each with paths of attributes, as `plan` prints both: `up` leaves these
    attributes as it finds them. See [What others own](deploying.md#what-others-own).
    """
    api: Api = Field(default_factory=Api)
    network: Network = Field(default_factory=Network)
    compute: Compute = Field(default_factory=Compute)
    queue: Queue = Field(default_factory=Queue)
    job_table: JobTable = Field(default_factory=JobTable)
    functions: Functions = Field(default_factory=Functions)
    iam: Iam = Field(default_factory=Iam)
    local: Local = Field(default_factory=Local)

    @model_validator(mode="after")
    def _no_conflicts(self) -> Self:
        if problems := tuple(rules.conflicts(self)):
            raise conflict(problems)
        return self

    def with_flags(self, api_mode: str | None = None, auth: str | None = None) -> Config:
        """Copy with what flags of `up` override; None is a flag that was not given.

        Raises UsageError, naming the flags, when the result breaks a rule.
        """
        flags = {"mode": api_mode, "auth": auth}
        given = {key: value for key, value in flags.items() if value is not None}
        data: dict[str, Any] = self.model_dump()
        try:
            return Config.model_validate({**data, "api": {**data["api"], **given}})
        except ValidationError as error:
            raise _flag_error(given, error) from None


def _flag_error(given: Mapping[str, str], error: ValidationError) -> UsageError:
    names = {"mode": "--api-mode", "auth": "--auth"}
    flags = " and ".join(f"`{names[key]} {value}`" for key, value in given.items())
    rules_broken = "; ".join(str(problem) for problem in problems_of(error))
    return UsageError(f"could not use {flags}: {rules_broken}")
