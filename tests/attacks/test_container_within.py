"""A container of a job: it shares the host's network, and gets no further than its role may."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from local_cloud import ENDED, Cloud, build, new_settings, register
from podman_here import SHELL_PROGRAMS, Podman, missing, temporary_podman, why_not

from batchctl.local.control import process
from batchctl.local.control.record import ACCESS_KEY_ID

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(bool(why_not()), reason=f"podman can't run: {why_not()}"),
    pytest.mark.skipif(bool(missing(("curl",))), reason="not installed: curl"),
]

IMAGE = "localhost/attack:latest"
PROGRAMS = (*SHELL_PROGRAMS, "curl", "tr")
ROLE = f"arn:aws:iam::{ACCESS_KEY_ID}:role/job"

ATTACK = r"""
url=$AWS_ENDPOINT_URL
own="--user $AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"
token="x-amz-security-token: $AWS_SESSION_TOKEN"
create='Action=CreateUser&UserName=intruder&Version=2010-05-08'
ask() { name=$1; shift; echo "$name $(curl -s -o /dev/null -w '%{http_code}' "$@")"; }
iam() {
  name=$1; shift
  ask "$name" --aws-sigv4 aws:amz:us-east-1:iam "$@" --data "$create" "$url/"
}
put() {
  ask "$1" --aws-sigv4 aws:amz:us-east-1:dynamodb $own -H "$token" \
    -H 'content-type: application/x-amz-json-1.0' -H "x-amz-target: DynamoDB_20120810.$2" \
    --data "$3" "$url/"
}
put own-item PutItem '{"TableName": "results", "Item": {"id": {"S": "by-the-container"}}}'
put own-role-too-much DeleteTable '{"TableName": "results"}'
iam own-role-elsewhere $own -H "$token"
iam own-key-guessed-secret --user "$AWS_ACCESS_KEY_ID:test" -H "$token"
iam root-guessed --user 000000000000:test
iam root-of-old --user 000000000000:local-cloud-root
iam test-key --user test:test
ask unsigned --data "$create" "$url/"
ask reset --request POST "$url/_ministack/reset"
ask status "$url/_batchctl/status"
ask interrupt -H 'content-type: application/json' --data '{}' "$url/_batchctl/interrupt"
ask registry "$url/v2/_catalog"
ask push --request POST "$url/v2/images/blobs/uploads/"
ask foreign-host -H 'Host: evil.example' "$url/"
cat "$DIRECTORY/root-secret" "$DIRECTORY/cloud.json" 2>&1
env
cat /proc/*/environ /proc/*/cmdline 2>/dev/null | tr '\0' ' '
"""


@pytest.fixture(scope="module")
def podman() -> Iterator[Podman]:
    with temporary_podman() as podman:
        yield podman


@pytest.fixture(scope="module")
def cloud(podman: Podman, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A cloud that runs jobs in containers, with a definition whose image has a shell and curl."""
    plain = new_settings(tmp_path_factory.mktemp("local"))
    settings = replace(plain, engine=shlex.join(podman.command))
    try:
        cloud = Cloud(process.start(settings))
        build(cloud)
        podman.import_programs(IMAGE, *PROGRAMS)
        register(cloud, "attack", image=IMAGE, jobRoleArn=ROLE)
        yield cloud
    finally:
        process.stop(settings.directory)


@pytest.fixture(scope="module")
def log(cloud: Cloud) -> list[str]:
    """What the container wrote."""
    variables = [{"name": "DIRECTORY", "value": cloud.running.directory}]
    overrides = {"command": ["sh", "-c", ATTACK], "environment": variables}
    job_id = cloud.submit([], jobDefinition="attack", containerOverrides=overrides)
    cloud.wait(job_id, *ENDED)
    return cloud.log(job_id)


def statuses(log: list[str]) -> dict[str, int]:
    """Return what each call got, by its name."""
    found = (re.fullmatch(r"([a-z-]+) (\d{3})", line) for line in log)
    return {each[1]: int(each[2]) for each in found if each}


def test_a_container_may_what_its_role_may_and_no_more(cloud: Cloud, log: list[str]) -> None:
    got = statuses(log)
    assert got.pop("own-item") == 200, log
    assert len(got) == 13, log
    assert {name: status for name, status in got.items() if status not in {400, 401, 403}} == {}
    assert cloud.dynamodb.get_item(TableName="results", Key={"id": {"S": "by-the-container"}})[
        "Item"
    ]
    assert cloud.iam.list_users()["Users"] == []


def test_a_container_sees_nothing_of_the_cloud(cloud: Cloud, log: list[str]) -> None:
    secret = (Path(cloud.running.directory) / "root-secret").read_text(encoding="utf-8")
    text = "\n".join(log)
    assert "root-secret: No such file or directory" in text
    assert "AWS_SESSION_TOKEN=" in text
    assert secret not in text
