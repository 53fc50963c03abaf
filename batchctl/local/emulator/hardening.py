"""What MiniStack makes easy to guess or exhaust, replaced; knows its insides as `ministack` does.

- The credentials of a function's role are a hash of the function's and the role's names: whoever
  knows the names could compute them.
- It knows root's secret only from its environment, which functions inherit.
- The password of its image registry is the same everywhere.
- It starts a process for every call of a function that finds no idle one.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any

from batchctl.local.emulator.function_slots import BusyError, FunctionSlots
from batchctl.local.front.registry import Passwords

_TOO_MANY = "ConcurrentInvocationLimitExceeded"
"""The reason in Lambda's TooManyRequestsException (AWS Lambda API Reference, "Invoke")."""


def harden(root_secret: str, passwords: Passwords, slots: FunctionSlots) -> None:
    """Replace all of it, before the first request."""
    _know_roots_secret(root_secret)
    _make_functions_credentials_random(secrets.token_bytes(32))
    _give_out(passwords)
    _bound_functions(slots)


def _know_roots_secret(secret: str) -> None:
    """Let what checks a signature once more (S3, of its presigned URLs) know root's secret."""
    evaluator = import_module("ministack.core.iam_evaluator")
    original: Callable[..., Any] = vars(evaluator)["resolve_credential"]

    def resolve_credential(access_key_id: str, *rest: Any, **named: Any) -> Any:
        found = original(access_key_id, *rest, **named)
        is_root = getattr(found, "principal_type", "") == "Root"
        return replace(found, secret_access_key=secret) if is_root else found

    _replace(original, resolve_credential)


def _make_functions_credentials_random(seed: bytes) -> None:
    """Have the session of a function's role made of what nobody knows."""
    runtime = import_module("ministack.core.lambda_runtime")
    sts = import_module("ministack.services.sts")
    import_module("ministack.services.lambda_svc")

    def execution_credentials(config: Mapping[str, Any]) -> dict[str, str]:
        arn, role_arn = str(config.get("FunctionArn", "")), str(config.get("Role", ""))
        session = function_session(seed, arn, role_arn, str(config.get("FunctionName", "")))
        key = _derived(seed, "key", arn, role_arn)[:16].upper()
        vars(sts)["register_session"](f"ASIA{key}", session)
        return {
            "AWS_ACCESS_KEY_ID": f"ASIA{key}",
            "AWS_SECRET_ACCESS_KEY": session["SecretAccessKey"],
            "AWS_SESSION_TOKEN": session["SessionToken"],
        }

    _replace(vars(runtime)["execution_credentials"], execution_credentials)


def function_session(seed: bytes, arn: str, role_arn: str, name: str) -> dict[str, str]:
    """Return the session of a function's role, the same whenever a process of it starts."""
    role, account = role_arn.rpartition("/")[2], arn.split(":")[4]
    return {
        "Arn": f"arn:aws:sts::{account}:assumed-role/{role}/{name[:64]}",
        "UserId": f"{role}:{name[:64]}",
        "SecretAccessKey": _derived(seed, "secret", arn, role_arn),
        "SessionToken": _derived(seed, "token", arn, role_arn),
    }


def _give_out(passwords: Passwords) -> None:
    """Have GetAuthorizationToken give a password that was never given before."""
    ecr = import_module("ministack.services.ecr")
    original: Callable[..., Any] = vars(ecr)["_get_authorization_token"]

    def get_authorization_token(data: Mapping[str, Any]) -> Any:
        status, headers, body = original(data)
        answer = json.loads(body)
        for each in answer["authorizationData"]:
            each["authorizationToken"], each["expiresAt"] = passwords.issue()
        return status, headers, json.dumps(answer).encode()

    _replace(original, get_authorization_token)


def _bound_functions(slots: FunctionSlots) -> None:
    functions = import_module("ministack.services.lambda_svc")
    original: Callable[..., Any] = vars(functions)["_execute_function_dispatch"]
    depth, throttle = vars(functions)["_invoke_depth"], vars(functions)["_throttle_response"]

    def execute(*call: Any) -> Any:
        try:
            with slots.taken(depth.get):
                return original(*call)
        except BusyError:
            return throttle(_TOO_MANY, f"Rate Exceeded: {slots.count} functions run already")

    _replace(original, execute)


def _derived(seed: bytes, *parts: str) -> str:
    return hmac.new(seed, "\0".join(parts).encode(), hashlib.sha256).hexdigest()


def _replace(original: object, replacement: object) -> None:
    """Put a function in another's stead wherever a module of MiniStack has taken it in."""
    for name, module in list(sys.modules.items()):
        if name.startswith("ministack."):
            for attribute, value in list(vars(module).items()):
                if value is original:
                    setattr(module, attribute, replacement)
