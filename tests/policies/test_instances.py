"""What instances run first, and the names by which their role knows what is theirs."""

from __future__ import annotations

import email
import os
import subprocess
from email.message import Message
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from batchctl.config import Config
from batchctl.resource import Deployed
from batchctl.stack.instances import BOOT_HOOK, USER_DATA, Used, build_instance_profile

# Does what the test wants to see: notes its arguments, and knows the rules that it was given.
FAKE_IPTABLES = """#!/bin/sh
name=$(basename "$0")
echo "$name $*" >> "$NOTES"
shift
verb=$1; shift
case $verb in
    --check) grep -qxF "$name $*" "$RULES" ;;
    --insert) [ -z "$BROKEN" ] && echo "$name $*" >> "$RULES" ;;
esac
"""


def hook_part() -> Message:
    message = email.message_from_string(USER_DATA)
    assert message.get_content_type() == "multipart/mixed"
    parts = message.get_payload()
    assert isinstance(parts, list)
    (part,) = parts
    assert isinstance(part, Message)
    return part


def test_user_data_is_mime_multi_part_with_a_boot_hook() -> None:
    part = hook_part()
    assert part.get_content_type() == "text/cloud-boothook"
    assert part.get_payload() == BOOT_HOOK
    assert str(part.get_payload()).startswith("#cloud-boothook\n#!/bin/bash\n")
    USER_DATA.encode("ascii")
    # EC2 user guide, "Run commands at launch": 16 KB at most, before it is encoded.
    assert len(USER_DATA) < 16 * 1024


def test_the_boot_hook_is_valid_bash(tmp_path: Path) -> None:
    (tmp_path / "hook").write_text(BOOT_HOOK)
    subprocess.run(["bash", "-n", tmp_path / "hook"], check=True)


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    for name in ("iptables", "ip6tables"):
        (tmp_path / name).write_text(FAKE_IPTABLES)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "rules").touch()
    return tmp_path


def boot(machine: Path, *, broken: str = "") -> int:
    given = {
        "PATH": f"{machine}:{os.environ['PATH']}",
        "RULES": str(machine / "rules"),
        "NOTES": str(machine / "notes"),
        "BROKEN": broken,
    }
    return subprocess.run(["bash", "-c", BOOT_HOOK], env=given, check=False).returncode


def test_each_start_closes_the_metadata_address_to_all_but_root_once(machine: Path) -> None:
    assert boot(machine) == 0
    once = (machine / "rules").read_text().splitlines()
    assert boot(machine) == 0
    assert (machine / "rules").read_text().splitlines() == once
    rule = "--match owner ! --uid-owner 0 --jump REJECT"
    assert once[0] == f"iptables OUTPUT --destination 169.254.169.254/32 {rule}"
    assert once[1:] in ([], [f"ip6tables OUTPUT --destination fd00:ec2::254/128 {rule}"])
    # The job role's credentials come from there.
    assert "169.254.170.2" not in (machine / "notes").read_text()


def test_what_can_not_be_closed_is_said(machine: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert boot(machine, broken="yes") == 1
    assert "could not close the instance metadata service" in capfd.readouterr().err


def pulled_from(deployed: Deployed, image: str | None, repository: str | None = None) -> list[str]:
    used = Used(("batchapp-spot",), "/logs", repository, image)
    role = build_instance_profile(Config(), used).role
    statements = [allow.statement(deployed) for allow in role.allows]
    by_sid = {each["Sid"]: each for each in statements}
    assert ("LogInToEcr" in by_sid) is ("PullTheImage" in by_sid)
    found: list[str] = by_sid.get("PullTheImage", {}).get("Resource", [])
    return found


ECR = "arn:aws:ecr"


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (
            "111122223333.dkr.ecr.eu-west-1.amazonaws.com/team/x:1",
            [f"{ECR}:eu-west-1:111122223333:repository/team/x"],
        ),
        (
            "111122223333.dkr-ecr.eu-west-1.on.aws/x@sha256:0a",
            [f"{ECR}:eu-west-1:111122223333:repository/x"],
        ),
        ("public.ecr.aws/docker/library/python:3.13", []),
        ("ghcr.io/someone/x:1", []),
    ],
)
def test_instances_may_pull_the_image_that_is_named_and_no_other(
    placeless: Deployed, image: str, expected: list[str]
) -> None:
    assert pulled_from(placeless, image) == expected


def test_instances_may_pull_from_the_stacks_own_repository(placeless: Deployed) -> None:
    own = pulled_from(placeless, None, "batchapp-compute")
    assert own == [f"{ECR}:us-east-1:123456789012:repository/batchapp-compute"]


@pytest.mark.parametrize(
    ("cluster", "is_ours"),
    [
        ("AWSBatch-batchapp-spot-1a6929d6-f62b-3d45-b3b5-31e7f64ae0da", True),
        ("AWSBatch-batchapp-spot-2-1a6929d6-f62b-3d45-b3b5-31e7f64ae0da", True),
        ("batchapp-spot_Batch_6d67ab71-4455-3613-b981-4c30a030fb90", True),
        ("batchapp-spot-2_Batch_6d67ab71-4455-3613-b981-4c30a030fb90", True),
        ("AWSBatch-other-spot-1a6929d6-f62b-3d45-b3b5-31e7f64ae0da", False),
        ("other-spot_Batch_6d67ab71-4455-3613-b981-4c30a030fb90", False),
        ("production", False),
    ],
)
def test_the_agent_may_work_in_the_clusters_of_our_environments(
    placeless: Deployed, cluster: str, is_ours: bool
) -> None:
    used = Used(("batchapp-spot",), "/logs", None, None)
    role = build_instance_profile(Config(), used).role
    register, take = (allow.statement(placeless) for allow in role.allows[:2])
    arn = f"arn:aws:ecs:us-east-1:123456789012:cluster/{cluster}"
    for patterns in (register["Resource"], take["Condition"]["ArnLike"]["ecs:cluster"]):
        assert any(fnmatchcase(arn, pattern) for pattern in patterns) is is_ours
