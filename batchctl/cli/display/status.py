"""`batchctl status`: every resource with its drift, the endpoint, the depth of the queues."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batchctl.cli.output import add_row, data, show, table
from batchctl.errors import UsageError

if TYPE_CHECKING:
    from batchctl.application.application import Application
    from batchctl.engine.plan import Plan, Step


def status_of(application: Application, plan: Plan) -> dict[str, Any]:
    """Return what is deployed, as data."""
    return {
        "stack": application.config.name,
        "account": application.aws.account,
        "region": application.aws.region,
        "endpoint": _endpoint(application),
        "execute_role": application.execute_role_arn(),
        "resources": [
            {"address": step.address, "name": step.name, "state": _condition(step)}
            for step in plan.steps
        ],
        "queues": _depths(application),
    }


def show_status(found: dict[str, Any]) -> None:
    """Print the status for people."""
    listed = table("resource", "name", "state")
    for each in found["resources"]:
        add_row(listed, each["address"], each["name"], each["state"])
    data().print(listed)
    show()
    show(f"stack:    {found['stack']} in {found['account']}, {found['region']}")
    show(f"endpoint: {found['endpoint'] or 'none yet'}")
    if found["execute_role"]:
        show(f"role:     {found['execute_role']} (may be assumed to call the endpoint)")
    for address, depth in found["queues"].items():
        show(f"{address}: {depth} messages{_what_to_do(address, depth)}")


def _what_to_do(address: str, depth: int) -> str:
    """Name the command for messages that failed."""
    failed = depth and address.endswith("dead_letters")
    return ", which failed: see `batchctl dead-letters`" if failed else ""


def _endpoint(application: Application) -> str | None:
    from batchctl.stack import LOAD_BALANCER, STAGE

    recorded = application.state.state
    if not recorded.outputs(LOAD_BALANCER) and not recorded.outputs(STAGE):
        return None
    try:
        return application.endpoint()
    except UsageError:
        return None


def _condition(step: Step) -> str:
    words = {"+": "missing", "-": "no longer wanted", "-/+": "drifted", "~": "drifted", "=": "kept"}
    word = words.get(step.action.value, "ok")
    if word != "drifted":
        return word
    return f"drifted: {', '.join(change.path for change in step.changes)}"


def _depths(application: Application) -> dict[str, int]:
    from batchctl.resources.sqs import depth
    from batchctl.stack import QUEUES

    recorded = application.state.state
    urls = {address: recorded.outputs(address).get("url") for address in QUEUES}
    return {address: depth(application.aws, url) for address, url in urls.items() if url}
