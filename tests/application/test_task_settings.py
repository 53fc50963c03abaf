"""What functions and containers are told of how jobs are cut and run."""

from __future__ import annotations

from typing import Any

import pytest

from batchctl.config import Config
from batchctl.packaging import function_package
from batchctl.resources.awslambda.functions import Function
from batchctl.resources.batch.definitions import JobDefinition
from batchctl.stack import Surroundings, build
from batchctl.stack.compute import IN_AWS

OURS: dict[str, Any] = {}
OWN_IMAGE = {"image": "registry.example/compute:1"}
OWN_COMMAND = {"command": ["sh", "run.sh"]}


def built(compute: dict[str, Any], surroundings: Surroundings = IN_AWS) -> dict[str, Any]:
    """Each resource by its address; an image of ours stands by its name."""
    config = Config.model_validate({"compute": compute})
    image = config.compute.image or "batchapp:1"
    stack = build(config, image=image, package=function_package(), surroundings=surroundings)
    return {each.address: each for each in stack}


def told(label: str, compute: dict[str, Any], surroundings: Surroundings = IN_AWS) -> Any:
    """The environment of a function."""
    function: Function = built(compute, surroundings)[f"function.{label}"]
    return function.environment


def definition(compute: dict[str, Any]) -> JobDefinition:
    found: JobDefinition = built(compute)["job_definition.compute"]
    return found


def test_the_receiver_chooses_by_what_can_run_at_once() -> None:
    environment = told("receiver", {"max_vcpus": 128, "vcpus": 4})
    assert environment["AT_ONCE"] == "32"
    assert "ITEMS_PER_TASK" not in environment


def test_on_the_local_cloud_that_is_what_the_machine_has() -> None:
    surroundings = Surroundings(machine_vcpus=8)
    assert told("receiver", {"vcpus": 2}, surroundings)["AT_ONCE"] == "4"


def test_a_number_of_items_in_the_configuration_is_taken_as_it_is() -> None:
    assert told("receiver", {"items_per_task": 50})["ITEMS_PER_TASK"] == "50"


@pytest.mark.parametrize("own", [OWN_IMAGE, OWN_COMMAND])
def test_without_our_runner_a_task_has_one_item_and_the_exit_status_speaks(
    own: dict[str, Any],
) -> None:
    assert told("receiver", own)["ITEMS_PER_TASK"] == "1"
    assert "RUNNER" not in told("splitter", own)
    assert "RUNNER" not in told("tracker", own)


@pytest.mark.parametrize("label", ["splitter", "tracker"])
def test_who_submits_and_judges_jobs_knows_how_tasks_run(label: str) -> None:
    compute = {"memory_mib": [1024, 4096], "timeout_s": 90, "vcpus": 2}
    environment = told(label, compute)
    assert {name: environment[name] for name in ("RUNNER", "SHARES", "PROCESSES")} == {
        "RUNNER": "1",
        "SHARES": "1",
        "PROCESSES": "2",
    }
    assert environment["ITEM_TIMEOUT_S"] == "90"
    assert environment["MEMORY_SIZES"] == "1024,4096"


def test_a_container_starts_with_the_first_size_and_knows_the_limits_of_an_item() -> None:
    found = definition({"memory_mib": [1024, 4096], "timeout_s": 90, "processes": 3, "tries": 2})
    assert found.memory_mib == 1024
    environment = {name: found.environment[name] for name in found.environment if name != "TABLE"}
    assert environment["BATCHCTL_PROCESSES"] == "3"
    assert environment["BATCHCTL_ITEM_TIMEOUT_S"] == "90"
    assert environment["BATCHCTL_RETRIES"] == "2"


@pytest.mark.parametrize(
    ("compute", "seconds"),
    [
        ({"timeout_s": 10, "items_per_task": 5}, 2_400 + 50),
        ({"timeout_s": 10, "items_per_task": 5, "processes": 2}, 2_400 + 30),
        ({"timeout_s": 10}, 2_400 + 10_000),
        ({"timeout_s": 10, **OWN_IMAGE}, 60),
        ({"timeout_s": 100, **OWN_IMAGE}, 100),
        ({"timeout_s": 100, "items_per_task": 20, **OWN_IMAGE}, 2000),
    ],
)
def test_the_definition_gives_the_largest_task_the_time_of_its_items(
    compute: dict[str, Any], seconds: int
) -> None:
    assert definition(compute).timeout_s == seconds


def test_every_queue_is_shared_by_the_one_policy() -> None:
    resources = built(OURS)
    policy = resources["scheduling_policy.compute"]
    assert policy.name == "batchapp-fair-share"
    for label in ("compute", "on_demand"):
        assert resources[f"job_queue.{label}"].scheduling_policy is not None


@pytest.mark.parametrize("earlier", [False, True])
def test_containers_of_earlier_versions_keep_their_right_only_while_they_may_run(
    earlier: bool,
) -> None:
    role = built(OURS, Surroundings(earlier_containers=earlier))["role.job"]
    rights = {allow.sid for allow in role.allows}
    assert ("RecordResultsOfEarlierVersions" in rights) is earlier
