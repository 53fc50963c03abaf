"""What other hands can change of functions and of what invokes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from built import Application
from hypothesis import strategies as st
from mutation import Mutation, Values, other, tag

ACCOUNT = "123456789012"


def _invite(application: Application, function: Any, value: str) -> None:
    application.client("lambda").add_permission(
        FunctionName=function.id,
        StatementId="theirs",
        Action="lambda:InvokeFunction",
        Principal=value,
    )


def _layer(application: Application, function: Any, value: str) -> None:
    client = application.client("lambda")
    made = client.publish_layer_version(
        LayerName=value, Content={"ZipFile": b"PK\x05\x06" + bytes(18)}
    )
    client.update_function_configuration(FunctionName=function.id, Layers=[made["LayerVersionArn"]])


def _function(label: str, timeout_s: int) -> Sequence[Mutation]:
    address = f"function.{label}"

    def setting(name: str, values: Values, shown: str = "") -> Mutation:
        def change(application: Application, function: Any, value: Any) -> None:
            application.client("lambda").update_function_configuration(
                FunctionName=function.id, **{name: value}
            )

        return Mutation(address, shown or name, change, values)

    def variable(name: str) -> Mutation:
        def change(application: Application, function: Any, value: Any) -> None:
            client = application.client("lambda")
            found = client.get_function_configuration(FunctionName=function.id)
            variables = found["Environment"]["Variables"]
            variables.pop(name, None)
            variables.update(value)
            client.update_function_configuration(
                FunctionName=function.id, Environment={"Variables": variables}
            )

        values = other({name: "changed"}, *([] if name == "THEIRS" else [{}]))
        return Mutation(address, f"Environment.Variables.{name}", change, values)

    def concurrency(application: Application, function: Any, value: int) -> None:
        application.client("lambda").put_function_concurrency(
            FunctionName=function.id, ReservedConcurrentExecutions=value
        )

    def code(application: Application, function: Any, value: Any) -> None:
        application.client("lambda").update_function_code(FunctionName=function.id, ZipFile=value)

    def architecture(application: Application, function: Any, value: Any) -> None:
        client = application.client("lambda")
        wanted: Any = next(each for each in application.stack if each.address == address)
        content = wanted.package.content
        client.update_function_code(
            FunctionName=function.id, ZipFile=content, Architectures=[value]
        )

    def write_tags(application: Application, function: Any, tags: Mapping[str, str]) -> None:
        application.client("lambda").tag_resource(Resource=function.arn, Tags=tags)

    return (
        Mutation(address, "ReservedConcurrentExecutions", concurrency, st.integers(0, 100)),
        Mutation(address, "StatementsOfOthers.theirs", _invite, other("*", "999999999999")),
        Mutation(address, "Layers", _layer, other("theirs", "agents")),
        setting("MemorySize", st.integers(128, 1768)),
        setting("Timeout", st.integers(1, timeout_s - 1)),
        setting("Handler", other("handlers.other.handler")),
        setting("Runtime", other("python3.12", "python3.11")),
        setting("Role", other(f"arn:aws:iam::{ACCOUNT}:role/batchapp-job")),
        setting("TracingConfig", other({"Mode": "PassThrough"}), "TracingConfig.Mode"),
        setting("LoggingConfig", other({"LogGroup": "/other"}), "LoggingConfig.LogGroup"),
        variable("TABLE"),
        variable("THEIRS"),
        Mutation(address, "CodeSha256", code, other(b"PK\x05\x06" + bytes(18))),
        Mutation(address, "Architectures", architecture, other("x86_64")),
        tag(address, write_tags),
    )


def _event_source_mapping() -> Sequence[Mutation]:
    def setting(name: str, path: str, values: Values) -> Mutation:
        def change(application: Application, mapping: Any, value: Any) -> None:
            application.client("lambda").update_event_source_mapping(
                UUID=mapping.id, **{name: value}
            )

        return Mutation("event_source_mapping.splitter", path, change, values)

    return (
        setting("BatchSize", "BatchSize", st.integers(1, 9)),
        setting("Enabled", "State", st.sampled_from([False])),
        setting(
            "FilterCriteria",
            "FilterCriteria.Filters",
            other({"Filters": [{"Pattern": '{"body": ["never"]}'}]}),
        ),
        setting(
            "ScalingConfig", "ScalingConfig.MaximumConcurrency", other({"MaximumConcurrency": 2})
        ),
    )


def _permission_statement(label: str) -> Sequence[Mutation]:
    def put(name: str, values: Values) -> Mutation:
        def change(application: Application, permission: Any, value: Any) -> None:
            client = application.client("lambda")
            client.remove_permission(
                FunctionName=permission.function_name, StatementId=permission.id
            )
            client.add_permission(
                **{
                    "FunctionName": permission.function_name,
                    "StatementId": permission.id,
                    "Action": "lambda:InvokeFunction",
                    "Principal": "elasticloadbalancing.amazonaws.com",
                    "SourceArn": application.outputs(f"target_group.{label}").arn,
                    name: value,
                }
            )

        return Mutation(f"permission.{label}", name, change, values)

    return (
        put("Action", other("lambda:*")),
        put("Principal", other("apigateway.amazonaws.com")),
        put(
            "SourceArn", other(f"arn:aws:elasticloadbalancing:us-east-1:{ACCOUNT}:targetgroup/x/y")
        ),
    )


FUNCTIONS: tuple[Mutation, ...] = (
    *_function("splitter", 60),
    *_function("api", 29),
    *_event_source_mapping(),
    *_permission_statement("receiver"),
)
