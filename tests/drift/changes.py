"""For every setting of config.yaml another value, and the addresses at which AWS has to change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from web_acls import FIRST, SECOND

from batchctl.config import Config

KeyPath = tuple[str, ...]
# What is no setting of a resource, and why.
SKIPPED: Mapping[KeyPath, str] = {
    ("name",): "another name is another application",
    ("account_id",): "checked, never deployed",
    ("requires",): "checked, never deployed",
    ("state",): "where the state is kept, not what is deployed",
    ("protect",): "what `up` and `down` refuse; tests/cli/test_guardrails.py changes it",
    ("leave",): "what is left to others; tests/cli/test_guardrails.py changes it",
    ("api", "endpoint"): "of the commands that call the API",
    ("region",): "another region is another state",
    ("api", "mode"): "another front door, which has tests of its own",
    ("api", "auth"): "depends on `api.mode`",
    ("api", "assume_execute_role"): "of the commands that call the API",
    ("api", "access_log_prefix"): "depends on `api.access_log_bucket`",
    ("compute", "build"): "the folder; what is in it decides",
    ("compute", "include_files"): "of the folder; what is in it decides",
    ("compute", "python"): "depends on `compute.builder`",
    ("compute", "builder"): "how the image is built, not what it is",
    ("compute", "builder_options"): "how the image is built, not what it is",
    ("compute", "keep_images"): "what the next change of the image leaves",
    ("compute", "keep_revisions"): "what the next change of the job definition leaves",
    ("local", "gateway_port"): "of the local cloud alone",
    ("local", "api_port"): "of the local cloud alone",
    ("local", "executor"): "of the local cloud alone",
    ("local", "vcpus"): "of the local cloud alone",
}
# Filled in by the test with what the account has.
VPC, SUBNETS, CERTIFICATE = "<vpc>", "<subnets>", "<certificate>"
CHANGED: Mapping[KeyPath, tuple[Any, frozenset[str]]] = {
    ("tags",): ({"team": "risk"}, frozenset({"queue.jobs", "table.jobs", "listener_rule.api"})),
    ("api", "port"): (8443, frozenset({"listener.api", "security_group.load_balancer"})),
    ("api", "allowed_cidrs"): (["10.0.0.0/8"], frozenset({"security_group.load_balancer"})),
    ("api", "certificate_arn"): (CERTIFICATE, frozenset({"listener.api"})),
    ("api", "web_acl_arn"): (FIRST, frozenset({"web_acl_association.api"})),
    ("api", "access_log_bucket"): ("logs", frozenset({"load_balancer.api"})),
    # The VPC that was looked up, now by name.
    ("network", "vpc_id"): (VPC, frozenset()),
    ("network", "compute_subnet_ids"): (
        SUBNETS,
        frozenset({"compute_environment.spot", "compute_environment.on_demand"}),
    ),
    ("network", "load_balancer_subnet_ids"): (SUBNETS, frozenset({"load_balancer.api"})),
    ("network", "function_subnet_ids"): (
        SUBNETS,
        frozenset({"security_group.functions", "role.api", "function.api", "function.splitter"}),
    ),
    ("compute", "image"): (
        "registry.example/compute:2",
        frozenset({"job_definition.compute", "image.compute", "repository.compute"}),
    ),
    # Another image: on the way back it is found, not built again.
    ("compute", "base_image"): (
        "registry.example/python:3.13",
        frozenset({"job_definition.compute"}),
    ),
    ("compute", "command"): (
        ["true"],
        frozenset({"job_definition.compute", "function.receiver", "function.splitter"}),
    ),
    ("compute", "user"): ("1000:1000", frozenset({"job_definition.compute"})),
    ("compute", "architecture"): (
        "arm64",
        frozenset(
            {
                "compute_environment.spot",
                "compute_environment.on_demand",
                "job_definition.compute",
            }
        ),
    ),
    ("compute", "vcpus"): (2, frozenset({"job_definition.compute", "function.receiver"})),
    ("compute", "memory_mib"): (
        [2048, 4096],
        frozenset({"job_definition.compute", "function.splitter", "function.tracker"}),
    ),
    ("compute", "timeout_s"): (60, frozenset({"job_definition.compute", "function.splitter"})),
    ("compute", "processes"): (4, frozenset({"job_definition.compute", "function.splitter"})),
    ("compute", "tries"): (1, frozenset({"job_definition.compute"})),
    ("compute", "attempts"): (2, frozenset({"job_definition.compute"})),
    ("compute", "items_per_task"): (50, frozenset({"function.receiver"})),
    ("compute", "environment"): ({"A": "b"}, frozenset({"job_definition.compute"})),
    ("compute", "instance_types"): (
        ["c6i", "m6i.large"],
        frozenset({"compute_environment.spot", "compute_environment.on_demand"}),
    ),
    ("compute", "min_vcpus"): (
        4,
        frozenset({"compute_environment.spot", "compute_environment.on_demand"}),
    ),
    ("compute", "max_vcpus"): (
        64,
        frozenset(
            {"compute_environment.spot", "compute_environment.on_demand", "function.receiver"}
        ),
    ),
    ("compute", "on_demand_fallback"): (
        False,
        frozenset(
            {
                "compute_environment.on_demand",
                "job_queue.compute",
                "job_queue.on_demand",
                "event_rule.job_events",
                "role.splitter",
                "function.splitter",
                "function.tracker",
            }
        ),
    ),
    ("compute", "log_retention_days"): (30, frozenset({"log_group.compute"})),
    ("queue", "retention_days"): (3, frozenset({"queue.jobs"})),
    ("queue", "dead_letter_retention_days"): (
        10,
        frozenset({"queue.dead_letters", "queue.events_dead_letters"}),
    ),
    ("queue", "max_receive_count"): (6, frozenset({"queue.jobs"})),
    ("job_table", "point_in_time_recovery"): (False, frozenset({"table.jobs"})),
    ("job_table", "deletion_protection"): (False, frozenset({"table.jobs"})),
    ("job_table", "max_write_units"): (100, frozenset({"table.jobs"})),
    ("functions", "reserved_concurrency"): (
        10,
        frozenset({"function.receiver", "function.api"}),
    ),
    ("job_table", "keep_days"): (
        30,
        frozenset({"table.jobs", "function.receiver", "function.api", "function.tracker"}),
    ),
    ("functions", "runtime"): (
        "python3.12",
        frozenset({"function.receiver", "function.splitter", "function.api"}),
    ),
    ("functions", "architecture"): (
        "x86_64",
        frozenset({"function.receiver", "function.splitter", "function.api"}),
    ),
    ("functions", "memory_mib"): (
        512,
        frozenset({"function.receiver", "function.splitter", "function.api"}),
    ),
    ("functions", "timeout_s"): (
        120,
        frozenset({"function.splitter", "queue.jobs", "queue.dead_letters"}),
    ),
    ("functions", "tracing"): (
        False,
        frozenset({"function.receiver", "role.receiver", "function.splitter", "role.api"}),
    ),
    ("iam", "permissions_boundary"): (
        "arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess",
        frozenset({"role.receiver", "role.job", "role.instance", "role.tracker"}),
    ),
    ("iam", "path"): (
        "/batch/jobs/",
        frozenset({"role.receiver", "role.job", "role.instance", "instance_profile.instance"}),
    ),
    ("functions", "log_retention_days"): (
        30,
        frozenset({"log_group.receiver", "log_group.splitter", "log_group.api"}),
    ),
}

# Of the REST API: settings that the load balancer doesn't have, or that it has as well.
CHANGED_BEHIND_REST_API: Mapping[KeyPath, tuple[Any, frozenset[str]]] = {
    ("api", "requests_per_second"): (10, frozenset({"stage.api"})),
    ("api", "burst_requests"): (20, frozenset({"stage.api"})),
    ("api", "log_retention_days"): (30, frozenset({"log_group.access", "log_group.errors"})),
    ("api", "web_acl_arn"): (SECOND, frozenset({"web_acl_association.api"})),
    ("functions", "tracing"): (False, frozenset({"stage.api", "function.api"})),
    ("tags",): (
        {"team": "risk"},
        frozenset({"rest_api.api", "stage.api", "role.api_execute", "log_group.access"}),
    ),
}


def with_setting(config: Config, path: KeyPath, value: Any) -> Config:
    """Return the configuration with one setting changed."""
    return with_settings(config, {path: value})


def with_settings(config: Config, values: Mapping[KeyPath, Any]) -> Config:
    """Return the configuration with these settings changed; breaks with a rule of config.yaml."""
    data = config.model_dump()
    for (*above, last), value in values.items():
        section = data
        for key in above:
            section = section[key]
        section[last] = value
    return Config.model_validate(data)
