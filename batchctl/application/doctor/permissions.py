"""Check of permissions: what `batchctl policy` prints, simulated for the caller."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from batchctl.application.doctor.findings import Check, Finding, ok, problem, unknown
from batchctl.application.policy.of_application import policy_of
from batchctl.application.policy.statements import Purpose

if TYPE_CHECKING:
    from batchctl.application.building import BuildableApplication
    from batchctl.aws.session import Aws

SHOWN = 5
AT_ONCE = 10


def permissions(application: BuildableApplication) -> Iterator[Finding]:
    """Ask IAM whether the caller's policies, with their boundary, allow what `up` calls.

    The organisation's policies count as far as IAM knows them (IAM API reference,
    SimulatePrincipalPolicy).
    """
    aws = application.aws
    source = _policy_source(aws)
    if source is None:
        yield unknown("IAM simulates policies of users and roles alone", None)
        return
    if source.endswith(":root"):
        yield ok("the root user may do everything")
        return
    statements = policy_of(application, Purpose.UP)
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="batchctl-simulate") as pool:
        found = pool.map(lambda each: list(_denied(aws, source, each)), statements)
        denied = sorted({action for actions in found for action in actions})
    if not denied:
        count = len({action for each in statements for action in each["Action"]})
        yield ok(f"the credentials allow all {count} actions that `up` needs")
        return
    more = f" and {len(denied) - SHOWN} more" if len(denied) > SHOWN else ""
    yield problem(
        f"the credentials don't allow {', '.join(denied[:SHOWN])}{more}",
        "have them allowed: `batchctl policy --for up` prints the statements",
    )


def _policy_source(aws: Aws) -> str | None:
    """Return the ARN whose policies count; of a session its role's. None where there is none."""
    arn = aws.sts.get_caller_identity()["Arn"]
    if ":assumed-role/" in arn:
        return aws.iam.get_role(RoleName=arn.split("/")[1])["Role"]["Arn"]
    return arn if ":user/" in arn or arn.endswith(":root") else None


def _denied(aws: Aws, source: str, statement: Mapping[str, Any]) -> Iterator[str]:
    """Yield the actions of a statement that IAM says aren't allowed on any of its resources."""
    conditions = statement.get("Condition", {}).values()
    context: Any = [
        {"ContextKeyName": key, "ContextKeyType": "string", "ContextKeyValues": values[:1]}
        for keys in conditions
        for key, values in keys.items()
    ]
    # A pattern stands for a name that it matches.
    resources = [each if each == "*" else each.replace("*", "x") for each in statement["Resource"]]
    answer = aws.iam.simulate_principal_policy(
        PolicySourceArn=source,
        ActionNames=statement["Action"],
        ResourceArns=resources,
        ContextEntries=context,
    )
    for each in answer["EvaluationResults"]:
        if each["EvalDecision"] != "allowed":
            yield each["EvalActionName"]


CHECKS = (Check("permissions", permissions),)
"""Beside the others: they say what is wrong with the account, this what the caller lacks."""
