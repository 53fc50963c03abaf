"""All checks, side by side: a check that can't look says so, and the others go on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from batchctl.application.doctor import (
    account,
    capacity,
    deployment,
    machine,
    network,
    permissions,
)
from batchctl.application.doctor.findings import Check, Finding, Level, problem, unknown
from batchctl.aws.errors import code_of, message_of
from batchctl.errors import BatchctlError, LoggedOut

if TYPE_CHECKING:
    from batchctl.application.building import BuildableApplication

CHECKS: tuple[Check, ...] = (
    *machine.CHECKS,
    *account.CHECKS,
    *permissions.CHECKS,
    *network.CHECKS,
    *capacity.CHECKS,
    *deployment.CHECKS,
)
# IAM user guide, "Troubleshooting access denied error messages", and what services call it.
DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")


@dataclass(frozen=True)
class Examined:
    """A check with all that it found, in its order; never nothing."""

    check: Check
    findings: tuple[Finding, ...]

    @property
    def level(self) -> Level:
        """The worst of it."""
        return max(each.level for each in self.findings)


def examine(
    application: BuildableApplication, checks: Sequence[Check] = CHECKS
) -> Iterator[Examined]:
    """Yield each check with what it found, in their order; those that ask AWS run at once.

    LoggedOut when there are no credentials: then nothing can be asked. All else becomes a finding.
    """
    application.stack  # noqa: B018 - what is looked up once is, before there are threads
    local = [each for each in checks if not each.calls]
    for check in local:
        yield _examined(check, application)
    asking = [each for each in checks if each.calls]
    application.aws.account  # noqa: B018 - without credentials there is one error, not twelve
    with ThreadPoolExecutor(max_workers=max(1, len(asking))) as pool:
        yield from pool.map(lambda check: _examined(check, application), asking)


def _examined(check: Check, application: BuildableApplication) -> Examined:
    try:
        found = tuple(check.run(application))
    except LoggedOut:
        raise
    except ClientError as error:
        found = (_refused(error),)
    except BotoCoreError as error:
        found = (unknown(f"AWS gave no answer: {error}", "check the network"),)
    except BatchctlError as error:
        found = (problem(error.message, error.hint or "correct it, then run the command again"),)
    return Examined(check, found or (unknown("there is nothing to look at"),))


def _refused(error: ClientError) -> Finding:
    code, text = code_of(error), message_of(error)
    if code in DENIED:
        return unknown(
            f"these credentials may not look: {code} at {error.operation_name}",
            f"allow `{error.operation_name}` to know: {text}"[:300],
        )
    return unknown(f"{error.operation_name}: {code}: {text}"[:300])
