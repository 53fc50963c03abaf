"""Checks of capacity: quotas of vCPUs and of functions, instance types in the zones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from batchctl.application.doctor.findings import Check, Finding, ok, problem, warning

if TYPE_CHECKING:
    from batchctl.application.building import BuildableApplication

SPOT_QUOTA, ON_DEMAND_QUOTA = "L-34B43A08", "L-1216C47A"
"""Service Quotas, Amazon EC2: "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests" and
"Running On-Demand Standard … instances", both in vCPUs."""

FUNCTIONS_AT_ONCE = 10
"""What a new account's functions may run at once ("Lambda quotas": new accounts have less)."""

STANDARD = tuple("acdhimrtz")
"""The families that the standard quotas are about begin with these letters."""


def vcpus(application: BuildableApplication) -> Iterator[Finding]:
    """Compare the quotas of vCPUs with `max_vcpus`."""
    quotas = _quotas(application)
    wanted = application.config.compute.max_vcpus
    models = {"Spot": SPOT_QUOTA}
    if application.config.compute.on_demand_fallback:
        models["on demand"] = ON_DEMAND_QUOTA
    for model, code in models.items():
        quota = quotas.get(code)
        if quota is None:
            continue
        fix = (
            f"ask for more: Service Quotas, Amazon EC2, `{code}`; until then at most {quota:.0f} "
            "vCPUs run at once"
        )
        if quota < max(1, application.config.compute.vcpus):
            yield problem(f"the quota of {model} vCPUs is {quota:.0f}: no task could start", fix)
        elif quota < wanted:
            yield warning(
                f"the quota of {model} vCPUs is {quota:.0f}, `max_vcpus` is {wanted}", fix
            )
        else:
            yield ok(f"the quota of {model} vCPUs is {quota:,.0f}")


def _quotas(application: BuildableApplication) -> Mapping[str, float]:
    pages = application.aws.service_quotas.get_paginator("list_service_quotas")
    return {
        each["QuotaCode"]: float(each["Value"])
        for page in pages.paginate(ServiceCode="ec2")
        for each in page["Quotas"]
    }


def functions(application: BuildableApplication) -> Iterator[Finding]:
    """Look how many functions may run at once: a new account has few."""
    limits = application.aws.awslambda.get_account_settings()["AccountLimit"]
    total = int(limits.get("ConcurrentExecutions", 0))
    free = int(limits.get("UnreservedConcurrentExecutions", total))
    if free == 0:
        yield problem(
            "all of Lambda's concurrency is reserved by other functions: none of ours could run",
            "reserve less for the others, or ask for more (Service Quotas, AWS Lambda)",
        )
    elif total <= FUNCTIONS_AT_ONCE:
        yield warning(
            f"{total} functions may run at once in this account",
            "ask for more (Service Quotas, AWS Lambda, `Concurrent executions`): submissions and "
            "queries above that are answered with an error",
        )
    else:
        yield ok(f"{free:,} functions may run at once")


def instance_types(application: BuildableApplication) -> Iterator[Finding]:
    """Look whether the region's zones offer the instance types that config.yaml names."""
    named = application.config.compute.instance_types
    if not named:
        yield ok("AWS Batch chooses the instance types")
        return
    offered = _offered(application)
    absent = [each for each in named if not _is_offered(each, offered)]
    if len(absent) == len(named):
        yield problem(
            f"no zone of {application.aws.region} offers {', '.join(named)}",
            "name others (`compute.instance_types`): jobs would stay RUNNABLE",
        )
    elif absent:
        yield warning(
            f"no zone of {application.aws.region} offers {', '.join(absent)}",
            "AWS Batch may refuse the compute environments: name others",
        )
    else:
        yield ok(f"{application.aws.region} offers {', '.join(named)}")


def _offered(application: BuildableApplication) -> set[str]:
    pages = application.aws.ec2.get_paginator("describe_instance_type_offerings")
    location: Any = "availability-zone"
    return {
        str(each["InstanceType"])
        for page in pages.paginate(LocationType=location)
        for each in page["InstanceTypeOfferings"]
    }


def _is_offered(name: str, offered: set[str]) -> bool:
    if name in {"optimal", "default_x86_64", "default_arm64"}:
        return True
    return name in offered or any(each.startswith(f"{name}.") for each in offered)


CHECKS = (
    Check("vCPUs", vcpus),
    Check("functions at once", functions),
    Check("instance types", instance_types),
)
