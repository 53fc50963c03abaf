"""Whom a role for a pipeline trusts: GitHub Actions, by its OpenID Connect tokens.

Source: GitHub's documentation, "Configuring OpenID Connect in Amazon Web Services"; IAM user guide,
"Configuring a role for GitHub OIDC identity provider", which wants the subject named.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from batchctl.application.policy.statements import document
from batchctl.errors import UsageError

HOST: Final = "token.actions.githubusercontent.com"
AUDIENCE: Final = "sts.amazonaws.com"
_REPOSITORY = re.compile(
    r"github:(?P<repository>[A-Za-z0-9-]+/[A-Za-z0-9._-]+)"
    r"(?:@(?P<branch>[A-Za-z0-9._/-]+)|#(?P<environment>[A-Za-z0-9._ -]+))?"
)


@dataclass(frozen=True)
class Trusted:
    """A repository's runs, of one branch or one environment."""

    repository: str
    subject: str


def trusted(text: str) -> Trusted:
    """Return whom `github:ORG/REPO`, `…@BRANCH` or `…#ENVIRONMENT` means; UsageError for others.

    Without a branch it is `main`: with none at all, pull requests of strangers would be trusted.
    """
    found = _REPOSITORY.fullmatch(text)
    if found is None:
        raise UsageError(
            f"could not read `--trust {text}`",
            hint="write `github:ORG/REPO` (branch main), `github:ORG/REPO@BRANCH` or "
            "`github:ORG/REPO#ENVIRONMENT`",
        )
    repository, environment = found["repository"], found["environment"]
    part = (
        f"environment:{environment}"
        if environment
        else f"ref:refs/heads/{found['branch'] or 'main'}"
    )
    return Trusted(repository, f"repo:{repository}:{part}")


def trust_policy(who: Trusted, partition: str, account: str) -> dict[str, Any]:
    """Return the trust policy of a role that these runs alone may assume."""
    provider = f"arn:{partition}:iam::{account}:oidc-provider/{HOST}"
    return document(
        [
            {
                "Sid": "GitHubActions",
                "Effect": "Allow",
                "Principal": {"Federated": provider},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {
                    "StringEquals": {f"{HOST}:aud": AUDIENCE, f"{HOST}:sub": who.subject}
                },
            }
        ]
    )
